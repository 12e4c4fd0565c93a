-- Make an API key of an account.
--
-- KEYS[1] prefix
-- ARGV: 1 key id, 2 account id, 3 name, 4 SHA-256 of the secret, 5 hint
-- Returns created ms (a string), or '' for an unknown account
--
-- Invariant: a key that can be found by its secret can be found in its account's list, and the other way round.

if redis.call('EXISTS', P .. 'account:' .. ARGV[2]) == 0 then
  return ''
end
local now = int(now_ms())
redis.call('HSET', P .. 'key:' .. ARGV[1], 'account', ARGV[2], 'name', ARGV[3], 'secret', ARGV[4], 'hint', ARGV[5],
  'created', now, 'revoked', '0')
redis.call('HSET', P .. 'secret:' .. ARGV[4], 'id', ARGV[1], 'account', ARGV[2], 'name', ARGV[3], 'hint', ARGV[5],
  'created', now)
redis.call('RPUSH', P .. 'keys:' .. ARGV[2], ARGV[1])
return now
