-- Forgets one hint; another of the same user stays.
-- KEYS: 1 wishers   ARGV: 1 user with leading zeros, ':' and the hint's number
return redis.call('ZREM', KEYS[1], ARGV[1])
