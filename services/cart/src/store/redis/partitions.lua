-- Records the number of partitions at first use. Returns the number that is recorded.
-- KEYS: 1 partitions   ARGV: 1 number of this build
local there = redis.call('GET', KEYS[1])
if there then
    return there
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
