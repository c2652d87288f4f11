-- Checks that the server accepts writes. The key expires after a minute.
-- KEYS: 1 probe   ARGV: 1 now, ms
redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)
return 1
