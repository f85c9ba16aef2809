-- Entries of the transaction's store by any filter, newest first. Row-level security keeps LIKE from using an index, so this looks with
-- its owner's eyes, at the caller's store alone, and nobody logs in as the owner but migrations. Planned anew each time: which index
-- helps depends on what is asked. Of words the planner knows nothing, for row-level security withholds their statistics: so the newest
-- entries are looked through first, where a common word fills the page; a word that does not is had from its index, and is little.
CREATE FUNCTION find_audit_entries(
 wanted_actor text, wanted_action text, wanted_subject uuid, since timestamptz, before timestamptz, words text[],
 after_at timestamptz, after_seq bigint, most int
) RETURNS TABLE (seq bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $function$
#variable_conflict use_column
DECLARE
 store uuid := NULLIF(current_setting('app.store_id', true), '')::uuid;
 in_order text := ' ORDER BY e.at DESC, e.seq DESC LIMIT ';
 plain text; fits text; near bigint[];
BEGIN
 plain := 'SELECT e.* FROM audit_entries e WHERE e.store_id = $1'
  || CASE wanted_actor WHEN '' THEN '' ELSE ' AND e.actor = $2' END
  -- Actions are words of small letters, all of which come before "~". A whole action has an index in order.
  || CASE WHEN wanted_action = '' THEN '' WHEN wanted_action LIKE '%._%' THEN ' AND e.action = $3'
    ELSE ' AND e.action >= $3 AND e.action < $3 || ''~''' END
  || CASE WHEN wanted_subject IS NULL THEN '' ELSE ' AND e.subject_id = $4' END
  || CASE WHEN since IS NULL THEN '' ELSE ' AND e.at >= $5' END
  || CASE WHEN before IS NULL THEN '' ELSE ' AND e.at < $6' END
  || CASE WHEN after_seq IS NULL THEN '' ELSE ' AND (e.at, e.seq) < ($7, $8)' END;
 fits := (SELECT string_agg(format('e.search LIKE %L', word), ' AND ') FROM unnest(words) AS word);
 IF fits IS NOT NULL THEN
  EXECUTE format('SELECT array_agg(e.seq) FROM (SELECT e.seq FROM (%s%s 2000) AS e WHERE %s%s $9) AS e', plain, in_order, fits, in_order)
  INTO near USING store, wanted_actor, wanted_action, wanted_subject, since, before, after_at, after_seq, most;
  IF cardinality(near) = most THEN
   RETURN QUERY SELECT unnest(near);
   RETURN;
  END IF;
 END IF;
 RETURN QUERY EXECUTE format('SELECT e.seq FROM (%s%s%s $9) AS e', plain, ' AND ' || fits, in_order)
 USING store, wanted_actor, wanted_action, wanted_subject, since, before, after_at, after_seq, most;
END $function$
