-- Records an alert in a wish and writes its event, if the wish is still the one that was read.
-- Returns 1, or 0 when it has changed.
-- KEYS: 1 wishes, 2 outbox   ARGV: 1 product, 2 wish that was read, 3 new wish, 4 event
-- A key of the wrong type ends the script here, before anything was written.
redis.call('XLEN', KEYS[2])
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('XADD', KEYS[2], '*', 'envelope', ARGV[4])
return 1
