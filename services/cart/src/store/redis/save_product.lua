-- Replaces the copy of a product if it is still the one that was read. Returns 1, or 0 when it has changed.
-- KEYS: 1 product   ARGV: 1 copy that was read, '' for none; 2 new copy
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
