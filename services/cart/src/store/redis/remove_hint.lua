-- Removes one hint; other hints of the same user stay.
-- KEYS: 1 wishers   ARGV: 1 user with leading zeros, ':' and the number of the hint
return redis.call('ZREM', KEYS[1], ARGV[1])
