-- Claims a run of a periodic job. Returns 1 for one of all processes, and 0 for the others until a period later.
-- KEYS: 1 job   ARGV: 1 now, ms; 2 a period ago, ms; 3 a period ahead, ms: a later time comes from a wrong clock
local claimed = tonumber(redis.call('GET', KEYS[1]) or '-1')
if claimed > tonumber(ARGV[2]) and claimed <= tonumber(ARGV[3]) then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
