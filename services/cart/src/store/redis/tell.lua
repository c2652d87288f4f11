-- Replaces a wish by one that remembers what was told, and writes the event that tells it, if the wish
-- is what was read. Answers 1, or 0 when it is not.
-- KEYS: 1 wishes, 2 outbox   ARGV: 1 product, 2 the wish that was read, 3 the wish now, 4 event
redis.call('XLEN', KEYS[2])
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('XADD', KEYS[2], '*', 'envelope', ARGV[4])
return 1
