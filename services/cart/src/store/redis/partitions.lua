-- Records in how many partitions carts are kept, at first use. Answers the number that holds.
-- KEYS: 1 the number   ARGV: 1 ours
local there = redis.call('GET', KEYS[1])
if there then
    return there
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
