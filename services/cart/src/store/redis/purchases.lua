-- Returns the number of products that a user bought, and a page of the purchased items, the latest first.
-- KEYS: 1 bought, 2 purchased
-- ARGV: 1 number to skip, 2 maximum number; 3 the time of the item before the page, ms, 4 its product, 0 for none
local first = tonumber(ARGV[1])
if ARGV[4] ~= '0' then
    -- One that was bought again or removed since is no longer at its place: the page begins behind those as young as it.
    if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[4]) or -1) == tonumber(ARGV[3]) then
        first = redis.call('ZREVRANK', KEYS[1], ARGV[4]) + 1
    else
        first = redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[3], '+inf')
    end
end
local products = redis.call('ZRANGE', KEYS[1], first, first + ARGV[2] - 1, 'REV')
local items = {}
if #products > 0 then
    items = redis.call('HMGET', KEYS[2], unpack(products))
end
return {redis.call('ZCARD', KEYS[1]), items}
