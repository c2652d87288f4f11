-- Removes a wish. Returns it, or nil when there is none.
-- KEYS: 1 wishes   ARGV: 1 product
local wish = redis.call('HGET', KEYS[1], ARGV[1])
if wish then
    redis.call('HDEL', KEYS[1], ARGV[1])
end
return wish
