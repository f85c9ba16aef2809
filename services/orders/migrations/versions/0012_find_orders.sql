-- Orders of the transaction's store by any filter, newest first. Row-level security keeps operators that are not leakproof (LIKE,
-- @>) from using an index; so this looks with its owner's eyes, at the caller's store alone, and nobody logs in as the owner but
-- migrations. The statement is put together from the constants below and planned anew each time, for it depends on the values
-- which index helps.
--
-- A list is walked in its order as far as it goes: each status of each channel, and each customer, is a list in order of its own,
-- and several are merged. A narrow range of totals is read whole and sorted. Of texts the planner knows nothing: row-level security
-- withholds their statistics. So both ways are laid out, and the first rows of the list tell which to take: where several of them fit, the
-- list is walked on; where hardly any do, what fits is taken from the index of texts, all of it, which is little then, and sorted.
CREATE OR REPLACE FUNCTION find_orders(
 way text, grams text[], patterns text[], wanted bigint, customers uuid[], statuses int[], partly bool, channels int[],
 placed_from timestamptz, placed_before timestamptz, total_from bigint, total_to bigint,
 after_at timestamptz, after_id uuid, most int, first_rows int
) RETURNS TABLE (order_id uuid, placed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $function$
#variable_conflict use_column
DECLARE
 store uuid := NULLIF(current_setting('app.store_id', true), '')::uuid;
 in_order text := ' ORDER BY o.placed_at DESC, o.order_id DESC LIMIT ';
 a_part text := '0 < o.refunded AND o.refunded < o.paid';
 named bool := statuses <> '{}' OR partly;
 near_end bool := total_from IS NOT NULL OR total_to IS NOT NULL;
 plain text; kinds text; fits text; looks text; texts text; walk text; narrow text; found text; lists text[] := '{}'; one int; another int;
BEGIN
 plain := 'o.store_id = $1'
  || CASE WHEN placed_from IS NULL THEN '' ELSE ' AND o.placed_at >= $7' END
  || CASE WHEN placed_before IS NULL THEN '' ELSE ' AND o.placed_at < $8' END
  || CASE WHEN total_from IS NULL THEN '' ELSE ' AND o.total >= $9' END
  || CASE WHEN total_to IS NULL THEN '' ELSE ' AND o.total <= $10' END
  || CASE WHEN after_id IS NULL THEN '' ELSE ' AND (o.placed_at, o.order_id) < ($11, $12)' END;
 kinds := CASE WHEN NOT named THEN '' WHEN statuses = '{}' THEN ' AND ' || a_part
   WHEN partly THEN format(' AND (o.status = ANY(%L::int[]) OR %s)', statuses, a_part) ELSE format(' AND o.status = ANY(%L::int[])', statuses) END
  || CASE WHEN channels = '{}' THEN '' ELSE format(' AND o.channel = ANY(%L::int[])', channels) END;
 -- An array of patterns would shut the index out.
 looks := CASE way WHEN '' THEN NULL WHEN 'grams' THEN 't.grams <> ''{}'' AND t.grams @> $2 AND (t.search || '''') LIKE $3'
  WHEN 'pair' THEN 't.search ~ $4'
  ELSE '(' || (SELECT string_agg(format('t.search LIKE $%s', 2 + n), ' OR ') FROM generate_series(1, cardinality(patterns)) AS n) || ')' END;
 fits := (SELECT string_agg(format('(o.contact_search || '''') LIKE $%s', 2 + n), ' OR ')
  FROM generate_series(1, CASE way WHEN '' THEN 0 WHEN 'text' THEN cardinality(patterns) ELSE 1 END) AS n);
 near_end := near_end AND (SELECT count(*) < 8000 FROM (SELECT FROM orders o WHERE o.store_id = store
  AND o.total >= COALESCE(total_from, 0) AND o.total <= COALESCE(total_to, 9223372036854775807) LIMIT 8000) AS probe);

 IF near_end THEN
  lists := ARRAY[format('(WITH o AS MATERIALIZED (SELECT * FROM orders o WHERE o.store_id = $1 AND o.total >= COALESCE($9, 0)
    AND o.total <= COALESCE($10, 9223372036854775807)) SELECT o.* FROM o WHERE %s%s%s%s', plain, kinds,
   CASE WHEN customers = '{}' THEN '' ELSE ' AND o.customer_id = ANY($6)' END, in_order)];
 ELSIF customers <> '{}' THEN
  FOR one IN 1 .. cardinality(customers) LOOP
   lists := lists || format('(SELECT o.* FROM orders o WHERE o.customer_id = ($6)[%s] AND %s%s%s', one, plain, kinds, in_order);
  END LOOP;
 ELSIF named OR channels <> '{}' THEN
  IF partly THEN
   lists := ARRAY[format('(SELECT o.* FROM orders o WHERE %s AND %s%s%s', a_part, plain,
    CASE WHEN channels = '{}' THEN '' ELSE format(' AND o.channel = ANY(%L::int[])', channels) END, in_order)];
  END IF;
  FOREACH one IN ARRAY CASE WHEN named THEN statuses ELSE '{1,2,3,4,5,6,8}' END LOOP
   FOREACH another IN ARRAY CASE channels WHEN '{}' THEN '{1,2,3,4}' ELSE channels END LOOP
    lists := lists || format('(SELECT o.* FROM orders o WHERE o.status = %s AND o.channel = %s AND %s%s%s', one, another, plain,
     CASE WHEN partly THEN format(' AND NOT (%s)', a_part) ELSE '' END, in_order);
   END LOOP;
  END LOOP;
 ELSE
  lists := ARRAY[format('(SELECT o.* FROM orders o WHERE %s%s', plain, in_order)];
 END IF;
 -- %1$s: how many.
 walk := format('(SELECT o.* FROM (%s) AS o%s', array_to_string(ARRAY(SELECT list || '%1$s)' FROM unnest(lists) AS list), ' UNION ALL '), in_order)
  || '%1$s)';

 found := CASE
  WHEN way = '' AND wanted IS NOT NULL THEN NULL
  WHEN way = '' THEN format('SELECT o.order_id, o.placed_at FROM %s AS o', format(walk, '$13'))
  WHEN near_end OR customers <> '{}' THEN format('SELECT o.order_id, o.placed_at FROM %s AS o WHERE %s', format(walk, '100000'), fits)
  ELSE 'split' END;
 IF found = 'split' THEN
  texts := 'SELECT t.order_id FROM order_texts t WHERE t.store_id = $1 AND ' || looks;
  narrow := format('SELECT o.order_id, o.placed_at FROM (%s OFFSET 0) AS t
    CROSS JOIN LATERAL (SELECT o.* FROM orders o WHERE o.store_id = $1 AND o.order_id = t.order_id OFFSET 0) AS o WHERE %s%s%s$13',
   texts || CASE way WHEN 'pair' THEN ' UNION ' || replace(texts, '$4', '$5') ELSE '' END, plain, kinds, in_order);
  found := format('(WITH sample AS MATERIALIZED (SELECT count(*) >= 4 AS many FROM (SELECT FROM %s AS o WHERE %s LIMIT 4) AS hits),
    near AS MATERIALIZED (SELECT o.order_id, o.placed_at FROM %s AS o WHERE (SELECT many FROM sample) AND (%s)%s$13),
    enough AS MATERIALIZED (SELECT count(*) = $13 AS it_is FROM near)
   SELECT order_id, placed_at FROM near WHERE (SELECT it_is FROM enough)
   UNION ALL SELECT order_id, placed_at FROM (%s) AS narrow WHERE NOT (SELECT it_is FROM enough))',
   format(walk, first_rows), fits, format(walk, first_rows * 20), fits, in_order, narrow);
 END IF;
 IF wanted IS NOT NULL THEN
  found := concat_ws(' UNION ', found, format('SELECT o.order_id, o.placed_at FROM orders o WHERE o.number = $14 AND %s%s%s', plain, kinds,
   CASE WHEN customers = '{}' THEN '' ELSE ' AND o.customer_id = ANY($6)' END));
 END IF;
 RETURN QUERY EXECUTE format('SELECT o.order_id, o.placed_at FROM (%s) AS o%s$13', found, in_order)
 USING store, grams, patterns[1], patterns[2], patterns[3], customers, placed_from, placed_before, total_from, total_to, after_at, after_id,
  most, wanted;
END $function$
