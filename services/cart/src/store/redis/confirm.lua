-- Deletes events that were published. Returns their number.
-- KEYS: 1 outbox   ARGV: 1 group, 2… ids of entries
local ids = {unpack(ARGV, 2)}
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
return redis.call('XDEL', KEYS[1], unpack(ids))
