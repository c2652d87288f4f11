-- Adds a hint that a user may wish for a product, under a new number. Returns the number.
-- KEYS: 1 wishers, 2 hints   ARGV: 1 user, with leading zeros
-- A key of the wrong type ends the script here, before anything was written.
redis.call('ZCARD', KEYS[1])
local number = redis.call('INCR', KEYS[2])
redis.call('ZADD', KEYS[1], 0, ARGV[1] .. ':' .. number)
return number
