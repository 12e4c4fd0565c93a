-- Make an account, or change the limits of one.
--
-- KEYS[1] prefix
-- ARGV: 1 account id, 2 name, 3 live jobs ('' leaves it), 4 requests per minute ('' leaves it), 5 running jobs (''
--       leaves it), 6 weight of its turns ('' leaves it)
-- Returns the account's hash
--
-- Invariant: the balance of a new account is 0 and its ledger empty; an existing account's money is not touched.

local key = P .. 'account:' .. ARGV[1]
if redis.call('HSETNX', key, 'balance', '0') == 1 then
  redis.call('HSET', key, 'name', ARGV[2], 'frozen', '0', 'created', int(now_ms()))
  redis.call('SADD', P .. 'accounts', ARGV[1])
end
if ARGV[3] ~= '' then
  redis.call('HSET', key, 'live_jobs', ARGV[3])
end
if ARGV[4] ~= '' then
  redis.call('HSET', key, 'requests_per_minute', ARGV[4])
end
if ARGV[5] ~= '' then
  redis.call('HSET', key, 'running_jobs', ARGV[5])
end
if ARGV[6] ~= '' then
  redis.call('HSET', key, 'weight', ARGV[6])
end
return redis.call('HGETALL', key)
