-- Notes that somebody may wish for a product, under a new number. Answers the number.
-- KEYS: 1 wishers, 2 hints   ARGV: 1 user, with leading zeros
redis.call('ZCARD', KEYS[1])
local number = redis.call('INCR', KEYS[2])
redis.call('ZADD', KEYS[1], 0, ARGV[1] .. ':' .. number)
return number
