-- Entries of the transaction's store by any filter, newest first. Row-level security keeps LIKE from using an index, so this looks with
-- its owner's eyes, at the caller's store alone, and nobody logs in as the owner but migrations. Planned anew each time: which index
-- helps depends on what is asked.
CREATE FUNCTION find_audit_entries(
 wanted_actor text, wanted_action text, wanted_subject uuid, since timestamptz, before timestamptz, words text[],
 after_at timestamptz, after_seq bigint, most int
) RETURNS TABLE (seq bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $function$
#variable_conflict use_column
BEGIN
 RETURN QUERY EXECUTE 'SELECT e.seq FROM audit_entries e WHERE e.store_id = $1'
  || CASE wanted_actor WHEN '' THEN '' ELSE ' AND e.actor = $2' END
  -- Actions are words of small letters, all of which come before "~". A whole action has an index in order.
  || CASE WHEN wanted_action = '' THEN '' WHEN wanted_action LIKE '%._%' THEN ' AND e.action = $3' ELSE ' AND e.action >= $3 AND e.action < $3 || ''~''' END
  || CASE WHEN wanted_subject IS NULL THEN '' ELSE ' AND e.subject_id = $4' END
  || CASE WHEN since IS NULL THEN '' ELSE ' AND e.at >= $5' END
  || CASE WHEN before IS NULL THEN '' ELSE ' AND e.at < $6' END
  || COALESCE((SELECT string_agg(format(' AND e.search LIKE ($7)[%s]', n), '') FROM generate_series(1, cardinality(words)) AS n), '')
  || CASE WHEN after_seq IS NULL THEN '' ELSE ' AND (e.at, e.seq) < ($8, $9)' END
  || ' ORDER BY e.at DESC, e.seq DESC LIMIT $10'
 USING NULLIF(current_setting('app.store_id', true), '')::uuid, wanted_actor, wanted_action, wanted_subject, since, before, words,
  after_at, after_seq, most;
END $function$
