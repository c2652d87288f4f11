-- Deletes a batch of expired inbox entries, and relays that are idle for long and hold no events.
-- Returns the number of entries deleted.
-- KEYS: 1 inbox, 2 outbox   ARGV: 1 received before, ms; 2 maximum number; 3 group; 4 minimum idle time, ms
local old = redis.call('ZRANGE', KEYS[1], '-inf', '(' .. ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[2], ARGV[3])
if #old > 0 then
    redis.call('ZREM', KEYS[1], unpack(old))
end
if consumers.err then
    -- No relay has claimed events of this stream yet.
    return #old
end
for _, fields in ipairs(consumers) do
    local consumer = {}
    for i = 1, #fields, 2 do
        consumer[fields[i]] = fields[i + 1]
    end
    if consumer['pending'] == 0 and consumer['idle'] > tonumber(ARGV[4]) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[2], ARGV[3], consumer['name'])
    end
end
return #old
