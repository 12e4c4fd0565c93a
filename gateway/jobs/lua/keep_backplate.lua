-- Keep a picture that a customer has uploaded to film in front of.
--
-- KEYS[1] prefix
-- ARGV: 1 backplate id, 2 key id, 3 account id, 4 document (JSON), 5 ttl ms, 6 most pictures of an account
-- Returns {'kept', expires ms} | {'too_many', expires ms of the oldest}
--
-- Invariant: a picture that can be read is in `expiring:backplates`, and an account has at most ARGV[6] that can be read.

local key = P .. 'backplate:' .. ARGV[1]
local there = redis.call('HGET', key, 'expires')
if there then
  return { 'kept', there }
end
local now = now_ms()
local kept = P .. 'backplates:' .. ARGV[3]
redis.call('ZREMRANGEBYSCORE', kept, '-inf', int(now))
if redis.call('ZCARD', kept) >= tonumber(ARGV[6]) then
  return { 'too_many', redis.call('ZRANGE', kept, 0, 0, 'WITHSCORES')[2] }
end
local expires = int(now + tonumber(ARGV[5]))
redis.call('HSET', key, 'key', ARGV[2], 'account', ARGV[3], 'document', ARGV[4], 'created', int(now), 'expires', expires)
redis.call('PEXPIREAT', key, expires)
redis.call('ZADD', kept, expires, ARGV[1])
redis.call('PEXPIREAT', kept, expires)
redis.call('ZADD', P .. 'expiring:backplates', expires, ARGV[1])
return { 'kept', expires }
