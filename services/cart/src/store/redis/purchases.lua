-- Returns the number of products that a user bought, and a page of the purchased items, the latest first.
-- KEYS: 1 bought, 2 purchased
-- ARGV: 1 number to skip, 2 maximum number; 3 the time of the item before the page, ms, 4 its product, '' for none
local first = tonumber(ARGV[1])
if ARGV[4] ~= '' then
    -- That item may be gone, or bought again, since: those before it are counted.
    first = redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[3], '+inf')
    for _, product in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[3], ARGV[3], 'BYSCORE')) do
        if product >= ARGV[4] then
            first = first + 1
        end
    end
end
local products = redis.call('ZRANGE', KEYS[1], first, first + ARGV[2] - 1, 'REV')
local items = {}
if #products > 0 then
    items = redis.call('HMGET', KEYS[2], unpack(products))
end
return {redis.call('ZCARD', KEYS[1]), items}
