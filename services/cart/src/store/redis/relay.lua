-- Numbers a relay, so that each has a name of its own.
-- KEYS: 1 relays
return redis.call('INCR', KEYS[1])
