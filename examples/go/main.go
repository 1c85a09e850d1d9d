// Schedules a message with nats.go, and knows that it is stored when the acknowledgement comes.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func argument(index int, otherwise string) string {
	if len(os.Args) > index {
		return os.Args[index]
	}
	return otherwise
}

// Who we are: NATS_NKEY is the file with our seed, NATS_INBOX_PREFIX where we may hear answers.
func identity() (options []nats.Option) {
	if file := os.Getenv("NATS_NKEY"); file != "" {
		seed, err := nats.NkeyOptionFromSeed(file)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, seed)
	}
	if prefix := os.Getenv("NATS_INBOX_PREFIX"); prefix != "" {
		options = append(options, nats.CustomInboxPrefix(prefix))
	}
	return options
}

func main() {
	url := os.Getenv("NATS_URL")
	if url == "" {
		url = nats.DefaultURL
	}
	connection, err := nats.Connect(url, identity()...)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	js, err := jetstream.New(connection)
	if err != nil {
		log.Fatal(err)
	}
	id := argument(1, fmt.Sprintf("go-%d", time.Now().UnixNano()))
	command, err := json.Marshal(map[string]any{
		"id":        id,
		"platform":  "telegram",
		"recipient": map[string]string{"chatId": argument(3, "123456789")},
		"content":   map[string]string{"type": "text", "text": "Hello from Go"},
		"dueAt":     argument(2, time.Now().Add(time.Minute).UTC().Format(time.RFC3339)),
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stored, err := js.Publish(ctx, "carillon.command.schedule", command)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: stored as message %d of %s\n", id, stored.Sequence, stored.Stream)
}
