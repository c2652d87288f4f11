-- Replaces what is known of a product, if it is what was read. Answers 1, or 0 when it is not.
-- KEYS: 1 product   ARGV: 1 what was read, '' for nothing; 2 what is known now
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
