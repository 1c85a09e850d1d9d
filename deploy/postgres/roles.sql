-- The users of the ledger's tables. Run once by an administrator, in the database of Carillon, before the ledger starts:
--   psql "$ADMIN_URL" -f deploy/postgres/roles.sql
-- and give each a password by \password carillon_ledger in psql, which sends none that a log could show. To run it again changes nothing.

DO $$
BEGIN
  -- Makes and upgrades the tables, which are its own, writes and prunes them. DATABASE_URL of the ledger, and of
  -- `carillon erase` and `carillon ledger rebuild`.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carillon_ledger') THEN
    CREATE ROLE carillon_ledger LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
  END IF;
  -- A ledger that is to make no tables: TABLES_MANAGE=none, and before each upgrade `carillon ledger migrate` as
  -- carillon_ledger. Reads and writes rows, and nothing else.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carillon_writer') THEN
    CREATE ROLE carillon_writer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
  END IF;
  -- For dashboards, `carillon list` and `carillon show`: everything but text and address, and nothing to change.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carillon_reader') THEN
    CREATE ROLE carillon_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
  END IF;
  -- It makes its schema, and another one beside it during a rebuild.
  EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO carillon_ledger', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO carillon_writer, carillon_reader', current_database());
END $$;

-- A dashboard never holds up the ledger.
ALTER ROLE carillon_reader SET default_transaction_read_only = on;
ALTER ROLE carillon_reader SET statement_timeout = '30s';
ALTER ROLE carillon_reader SET idle_in_transaction_session_timeout = '60s';

-- What they may do is granted whenever the tables are made or upgraded, by their owner: a newer version may have more.
