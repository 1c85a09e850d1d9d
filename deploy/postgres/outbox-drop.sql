-- Takes Carillon's outbox away again: psql -1 -f outbox-drop.sql. Refuses while commands wait to be published, or while
-- a table is bridged. The ledger's tables, where they share the schema carillon, stay.

DO $$
BEGIN
  IF EXISTS (SELECT FROM carillon_outbox.commands) THEN
    RAISE EXCEPTION 'commands wait in the outbox: let services/table-bridge publish them, or delete them';
  END IF;
  IF to_regclass('carillon_bridge.bridges') IS NOT NULL THEN
    RAISE EXCEPTION 'a table is bridged: run carillon bridge undo first';
  END IF;
END $$;

DROP VIEW carillon.refusals;
DO $$
DECLARE
  one regprocedure;
BEGIN
  FOR one IN
    SELECT oid FROM pg_proc WHERE pronamespace = 'carillon'::regnamespace
      AND proname IN ('schedule_message', 'reschedule_message', 'cancel_message', 'at_local_time')
  LOOP
    EXECUTE format('DROP FUNCTION %s', one);
  END LOOP;
END $$;
DROP SCHEMA carillon_outbox CASCADE;

DO $$
BEGIN
  DROP SCHEMA carillon;
EXCEPTION WHEN dependent_objects_still_exist THEN
  NULL;
END $$;
