-- Adds a wish unless it exists. Returns 'added', 'known' or 'full'.
-- KEYS: 1 wishes   ARGV: 1 product, 2 wish, 3 maximum number of wishes
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
    return 'known'
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
    return 'full'
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 'added'
