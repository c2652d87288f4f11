-- Numbers a relay, so that each has a unique name. Returns the number.
-- KEYS: 1 relays
return redis.call('INCR', KEYS[1])
