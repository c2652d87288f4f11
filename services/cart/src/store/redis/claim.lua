-- Claims events for a relay: those whose lease has expired, those that it gave back itself, then new ones.
-- Returns the entries, each {id, {field, value}}.
-- KEYS: 1 outbox   ARGV: 1 group, 2 relay, 3 maximum number of events, 4 lease, ms
--                        5 number of its own entries to read again, 0 when none were given back
local outbox, group, relay, count = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('EXISTS', outbox) == 0 then
    return {}
end
local function take_over()
    return redis.pcall('XAUTOCLAIM', outbox, group, relay, ARGV[4], '0-0', 'COUNT', count)
end
local taken = take_over()
if taken.err and string.find(taken.err, 'NOGROUP', 1, true) then
    redis.call('XGROUP', 'CREATE', outbox, group, '0')
    taken = take_over()
end
if taken.err then
    return taken
end
local claimed = taken[2]
local function read(after, most)
    local answer = redis.call('XREADGROUP', 'GROUP', group, relay, 'COUNT', most, 'STREAMS', outbox, after)
    for _, entry in ipairs(answer and answer[1][2] or {}) do
        table.insert(claimed, entry)
    end
end
if ARGV[5] ~= '0' then
    read('0', ARGV[5])
end
if #claimed < count then
    read('>', count - #claimed)
end
return claimed
