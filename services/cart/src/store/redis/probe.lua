-- Writes, to see whether that works. What is written goes after a minute.
-- KEYS: 1 the probe   ARGV: 1 now, ms
redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)
return 1
