-- Saves a cart with its events, if nothing that the decision was based on has changed since it was read.
-- Returns 1, or 0 when something has changed: read and decide again.
--
-- KEYS: 1 cart, 2 due, 3 active, 4 outbox, 5 inbox, 6 orders, 7 wishes, 8 saves, 9 purchased, 10 bought
-- ARGV: 1 user
--       2 stamp of the cart that was read, '' for none       3 keep | drop
--       4 version, 5 contents, 6 due, ms or +inf, 7 has active items (1 | 0)
--       8 expiry of the key, ms, '' for never
--       9 inbox entry, '' for none                          10 now, ms
--      11 order, '' for none; 12 its progress that was read, '' for none; 13 its new progress, '' to leave it
--      14 product to remove from the wishlist, '' for none; 15 the wish that was read
--      16 orders below this are forgotten; 17 expiry of the orders' key, ms
--      18 number of changed purchased items; of each its product, the item that was read, '' for none, the item to store, '' to
--         remove it, and when it was bought, ms
--      then events
local cart, due, active, outbox, inbox, orders, wishes, saves, purchased, bought = unpack(KEYS)
local last_purchase = 18 + 4 * ARGV[18]
local user = ARGV[1]

-- A failing command ends a script but undoes nothing. So everything is read first: a key of the wrong type ends the
-- script here, or at INCR, before anything was written.
local stamp = redis.call('HGET', cart, 'stamp') or ''
redis.call('ZSCORE', due, user)
redis.call('SISMEMBER', active, user)
redis.call('XLEN', outbox)
if stamp ~= ARGV[2] then
    return 0
end
if redis.call('ZSCORE', inbox, ARGV[9]) and ARGV[9] ~= '' then
    return 0
end
if (redis.call('HGET', orders, ARGV[11]) or '') ~= ARGV[12] then
    return 0
end
if (redis.call('HGET', wishes, ARGV[14]) or '') ~= ARGV[15] then
    return 0
end
redis.call('ZCARD', bought)
for i = 19, last_purchase, 4 do
    if (redis.call('HGET', purchased, ARGV[i]) or '') ~= ARGV[i + 1] then
        return 0
    end
end

if ARGV[3] == 'keep' then
    local number = redis.call('INCR', saves)
    redis.call('HSET', cart, 'version', ARGV[4], 'contents', ARGV[5], 'stamp', number)
    redis.call('ZADD', due, ARGV[6], user)
    if ARGV[8] == '' then
        redis.call('PERSIST', cart)
    else
        redis.call('PEXPIREAT', cart, ARGV[8])
    end
else
    redis.call('DEL', cart)
    redis.call('ZREM', due, user)
end
if ARGV[3] == 'keep' and ARGV[7] == '1' then
    redis.call('SADD', active, user)
else
    redis.call('SREM', active, user)
end
if ARGV[9] ~= '' then
    redis.call('ZADD', inbox, ARGV[10], ARGV[9])
end
if ARGV[11] ~= '' and ARGV[13] ~= '' then
    redis.call('HSET', orders, ARGV[11], ARGV[13])
    redis.call('PEXPIREAT', orders, ARGV[17])
    for _, order in ipairs(redis.call('HKEYS', orders)) do
        if tonumber(order) < tonumber(ARGV[16]) then
            redis.call('HDEL', orders, order)
        end
    end
end
if ARGV[14] ~= '' then
    redis.call('HDEL', wishes, ARGV[14])
end
for i = 19, last_purchase, 4 do
    if ARGV[i + 2] == '' then
        redis.call('HDEL', purchased, ARGV[i])
        redis.call('ZREM', bought, ARGV[i])
    else
        redis.call('HSET', purchased, ARGV[i], ARGV[i + 2])
        redis.call('ZADD', bought, ARGV[i + 3], ARGV[i])
    end
end
for i = last_purchase + 1, #ARGV do
    redis.call('XADD', outbox, '*', 'envelope', ARGV[i])
end
return 1
