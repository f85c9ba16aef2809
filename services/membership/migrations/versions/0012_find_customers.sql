-- Customers of the transaction's store by any filter in any order, as (id, sort key). Row-level security keeps operators that
-- are not leakproof (LIKE, &&, @>) from using an index; so this looks with its owner's eyes, at the caller's store alone, and
-- nobody logs in as the owner but migrations. The statement is put together from the constants below and planned anew each
-- time, for it depends on the values which index helps.
--
-- customers knows level, month, tags and name and is indexed with the day of joining; standings knows spend, points and carts;
-- customer_search the texts. A list reads the one that it is sorted by, and joins the others only where they are asked.
--
-- Of texts and tags the planner knows nothing: row-level security withholds their statistics, too. So both ways are laid out,
-- and the first rows of the list tell which to take: where several of them fit, the rest of the page is near, and the list is
-- walked. Where hardly any do, what fits is taken from the index of texts or tags, all of it, which is little then, and sorted.
CREATE OR REPLACE FUNCTION find_customers(
 sort text, kinds bool[], invitable bool, way text, grams text[], patterns text[], levels uuid[], without_level bool,
 recent timestamptz, cart timestamptz, spend_from bigint, spend_to bigint, month int, any_tags text[],
 after_at timestamptz, after_number bigint, after_word text, after_id uuid, most int, first_rows int
) RETURNS TABLE (customer_id uuid, key_at timestamptz, key_number bigint, key_word text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $function$
#variable_conflict use_column
DECLARE
 store uuid := NULLIF(current_setting('app.store_id', true), '')::uuid;
 by_time bool := sort IN ('newest', 'oldest');
 descending bool := sort IN ('newest', 'net_spend_high', 'points_high');
 direction text := CASE WHEN descending THEN 'DESC' ELSE 'ASC' END;
 searched bool := way <> '';
 tagged bool := any_tags <> '{}';
 ranged bool := spend_from IS NOT NULL OR spend_to IS NOT NULL;
 leveled bool := without_level OR levels <> '{}';
 own bool := leveled OR month > 0 OR tagged OR invitable OR sort = 'name';
 -- Of members alone, and of those few who have further phones or e-mails, which have an index of their own.
 further text := 's.haystack LIKE $4 AND split_part(s.haystack, E''\n'', 4) <> ''''';
 base text; joined text[]; sums text; tables text; key text; in_order text; plain text; looks text; texts text; narrow text;
 first int; row_by_row text; fits text; halves text[] := '{}'; member bool;
BEGIN
 -- The table that is read in order, or read narrowly and then sorted.
 base := CASE
  WHEN sort = 'name' OR (by_time AND own AND NOT searched) THEN 'c'
  WHEN NOT by_time THEN 'u'
  WHEN NOT searched AND (cart IS NOT NULL OR (ranged AND (SELECT count(*) < 8000 FROM (SELECT FROM standings u WHERE u.store_id = store
   AND u.member = ANY(kinds) AND u.net_spend >= COALESCE(spend_from, -9223372036854775808)
   AND u.net_spend <= COALESCE(spend_to, 9223372036854775807) LIMIT 8000) AS probe))) THEN 'u'
  ELSE 's' END;
 joined := ARRAY[base] || CASE WHEN searched AND base <> 's' THEN '{s}'::text[] ELSE '{}' END
  || CASE WHEN own AND base <> 'c' THEN '{c}'::text[] ELSE '{}' END;
 IF (ranged OR cart IS NOT NULL) AND NOT ('u' = ANY(joined) OR 'c' = ANY(joined)) THEN
  joined := joined || '{u}'::text[];
 END IF;
 sums := CASE WHEN 'u' = ANY(joined) THEN 'u' ELSE 'c' END;
 -- A join costs as much again for each row.
 first := first_rows / cardinality(joined);
 tables := (SELECT string_agg(CASE t WHEN 's' THEN 'customer_search s' WHEN 'c' THEN 'customers c' ELSE 'standings u' END
   || CASE WHEN place = 1 THEN '' ELSE format(' ON %s.store_id = $1 AND %s.customer_id = %s.customer_id', t, t, base) END,
   ' JOIN ' ORDER BY place) FROM unnest(joined) WITH ORDINALITY AS j(t, place));
 -- An array of patterns would shut the index out.
 looks := CASE way WHEN 'phone' THEN 'split_part(s.haystack, E''\n'', 2) = $3' WHEN 'email' THEN 'split_part(s.haystack, E''\n'', 3) = $3'
  WHEN 'grams' THEN 's.grams @> $2 AND (s.haystack || '''') LIKE $3' WHEN 'pair' THEN 's.haystack ~ $4'
  ELSE '(' || (SELECT string_agg(format('s.haystack LIKE $%s', 2 + n), ' OR ') FROM generate_series(1, cardinality(patterns)) AS n) || ')' END;

 FOREACH member IN ARRAY kinds LOOP
  key := CASE WHEN sort IN ('net_spend_high', 'net_spend_low') THEN 'u.net_spend' WHEN sort IN ('points_high', 'points_low') THEN 'u.points'
   WHEN sort = 'name' THEN 'lower(c.name COLLATE "C")' WHEN base <> 'c' THEN base || '.since'
   WHEN member THEN 'c.joined_at' ELSE 'c.created_at' END;
  -- "IS NULL" does not tell the planner that the index is in the order of what follows; naming the column does.
  in_order := format('ORDER BY %s%s %s, %s.customer_id %s LIMIT ',
   CASE WHEN base = 'c' AND by_time AND without_level AND levels = '{}' THEN 'c.level_id, ' ELSE '' END, key, direction, base, direction);
  plain := format('%s.store_id = $1', base)
   || CASE WHEN 's' = ANY(joined) THEN ' AND s.member = ' || member ELSE '' END
   || CASE WHEN 'u' = ANY(joined) THEN ' AND u.member = ' || member ELSE '' END
   || CASE WHEN 'c' = ANY(joined) THEN ' AND c.status = ' || CASE WHEN member THEN '2' ELSE '1' END ELSE '' END
   || CASE WHEN NOT leveled THEN '' WHEN levels = '{}' THEN ' AND c.level_id IS NULL'
    WHEN without_level THEN ' AND (c.level_id = ANY($6) OR c.level_id IS NULL)'
    WHEN cardinality(levels) = 1 THEN ' AND c.level_id = ($6)[1]' ELSE ' AND c.level_id = ANY($6)' END
   || CASE WHEN month > 0 THEN ' AND c.birthday IS NOT NULL'
    ' AND (extract(month FROM c.birthday) * 100 + extract(day FROM c.birthday))::int BETWEEN $11 * 100 AND $11 * 100 + 99' ELSE '' END
   || CASE WHEN invitable THEN ' AND c.email <> '''' AND EXISTS (SELECT FROM order_facts f WHERE f.store_id = $1'
    ' AND f.customer_id = c.customer_id)' ELSE '' END
   || CASE WHEN recent IS NULL THEN '' WHEN base <> 'c' THEN format(' AND %s.since >= $7', base)
    WHEN member THEN ' AND c.joined_at >= $7' ELSE ' AND c.created_at >= $7' END
   || CASE WHEN cart IS NULL THEN '' ELSE format(' AND %s.cart_since >= $8', sums) END
   || CASE WHEN spend_from IS NULL THEN '' ELSE format(' AND %s.net_spend >= $9', sums) END
   || CASE WHEN spend_to IS NULL THEN '' ELSE format(' AND %s.net_spend <= $10', sums) END
   || CASE WHEN after_id IS NULL THEN '' ELSE format(' AND (%s, %s.customer_id) %s (%s, $16)', key, base,
    CASE WHEN descending THEN '<' ELSE '>' END, CASE WHEN by_time THEN '$13' WHEN sort = 'name' THEN '$15' ELSE '$14' END) END;
  IF NOT searched AND NOT tagged THEN
   halves := halves || format('(SELECT %s.customer_id, %s AS key FROM %s WHERE %s %s$17)', base, key, tables, plain, in_order);
   CONTINUE;
  END IF;
  -- What the index of texts (or tags) gives stands for its table.
  texts := format('SELECT s.store_id, s.customer_id, s.member, s.since FROM customer_search s WHERE s.store_id = $1 AND s.member = %s AND %s',
   member::text, looks);
  narrow := CASE WHEN searched THEN format('WITH s AS MATERIALIZED (%s%s) SELECT %s.customer_id, %s AS key FROM %s WHERE %s%s %s$17',
    texts, CASE WHEN way = 'pair' THEN ' UNION ' || replace(texts, '$4', '$5')
     WHEN member AND way IN ('phone', 'email') THEN ' UNION ' || replace(texts, looks, further) ELSE '' END, base, key,
    replace(tables, 'customer_search s', 's'), plain, CASE WHEN tagged THEN ' AND c.tags && $12' ELSE '' END, in_order)
   ELSE format('WITH c AS MATERIALIZED (SELECT c.store_id, c.customer_id, c.status, c.name, c.email, c.birthday,
     c.level_id, c.joined_at, c.created_at, c.net_spend, c.cart_since FROM customers c WHERE c.store_id = $1 AND c.tags && $12 AND c.tags <> ''{}'')
    SELECT %s.customer_id, %s AS key FROM %s WHERE %s %s$17', base, key, replace(tables, 'customers c', 'c'), plain, in_order) END;
  IF way IN ('phone', 'email') THEN
   halves := halves || ('(' || narrow || ')');
   CONTINUE;
  END IF;
  row_by_row := format('SELECT %s.customer_id, %s AS key%s%s FROM %s WHERE %s %s', base, key, CASE WHEN searched THEN ', s.haystack' ELSE '' END,
   CASE WHEN tagged THEN ', c.tags' ELSE '' END, tables, plain, in_order);
  fits := concat_ws(' AND ', CASE WHEN searched THEN '(' || (SELECT string_agg(format('w.haystack LIKE $%s', 2 + n), ' OR ')
    FROM generate_series(1, CASE way WHEN 'text' THEN cardinality(patterns) ELSE 1 END) AS n) || ')' END,
   CASE WHEN tagged THEN 'w.tags && $12' END);
  halves := halves || format('(WITH sample AS MATERIALIZED (SELECT count(*) >= 4 AS many FROM (SELECT FROM (%s%s) AS w WHERE %s LIMIT 4) AS hits),
    near AS MATERIALIZED (SELECT w.customer_id, w.key FROM (%s%s) AS w WHERE (SELECT many FROM sample) AND %s
     ORDER BY w.key %s, w.customer_id %s LIMIT $17),
    enough AS MATERIALIZED (SELECT count(*) = $17 AS it_is FROM near)
   SELECT customer_id, key FROM near WHERE (SELECT it_is FROM enough)
   UNION ALL SELECT customer_id, key FROM (%s) AS narrow WHERE NOT (SELECT it_is FROM enough))',
   row_by_row, first, fits, row_by_row, first * 20, fits, direction, direction, narrow);
 END LOOP;

 RETURN QUERY EXECUTE format('SELECT customer_id, %s FROM (%s) AS found ORDER BY key %s, customer_id %s LIMIT $17',
  CASE WHEN by_time THEN 'key, NULL::bigint, NULL::text' WHEN sort = 'name' THEN 'NULL::timestamptz, NULL::bigint, key'
   ELSE 'NULL::timestamptz, key, NULL::text' END,
  array_to_string(halves, ' UNION ALL '), direction, direction)
 USING store, grams, patterns[1], patterns[2], patterns[3], levels, recent, cart, spend_from, spend_to, month, any_tags,
  after_at, after_number, after_word, after_id, most;
END $function$
