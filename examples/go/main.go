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
	// The id is yours, and the same when you run it again: only so is there one message, whatever became of the first try.
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: go run . ID DUE_AT [CHAT_ID], say appt-4711 2030-01-01T09:00:00Z")
		os.Exit(2)
	}
	id, dueAt, chatID := os.Args[1], os.Args[2], "123456789"
	if len(os.Args) > 3 {
		chatID = os.Args[3]
	}
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
	command, err := json.Marshal(map[string]any{
		"id":        id,
		"platform":  "telegram",
		"recipient": map[string]string{"chatId": chatID},
		"content":   map[string]string{"type": "text", "text": "Hello from Go"},
		"dueAt":     dueAt,
	})
	if err != nil {
		log.Fatal(err)
	}
	// The same bytes again if there is no answer: they may have arrived, and the id makes that harmless.
	for attempt := 0; attempt < 4; attempt++ {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		stored, err := js.Publish(ctx, "carillon.command.schedule", command)
		cancel()
		if err == nil {
			fmt.Printf("%s: stored as message %d of %s\n", id, stored.Sequence, stored.Stream)
			return
		}
		log.Printf("%s: %v", id, err)
		time.Sleep(time.Second)
	}
	log.Fatalf("%s: not known to be stored: run this again with the same ID", id)
}
