-- Accept a batch: charge for every film, write and queue them, and keep the idempotent answer, all or nothing.
--
-- KEYS[1] prefix
-- ARGV: 1 batch id, 2 key id, 3 account id, 4 price of each film, 5 document (JSON), 6 time limit ms of a film from its
--       first claim, 7 default limit of live jobs, 8 job ttl ms, 9 webhook url, 10 stages (JSON list),
--       11 idempotency digest ('' for none), 12 token, 13 status, 14 body, 15 ttl ms, 16 longest wait for the first
--       claim ms, 17 units of work of each film, then for each film: job id, order (JSON)
-- Returns {'accepted'} | {'void'} | {'slot_lost'} | {'no_account'} | {'frozen'} | {'insufficient', balance}
--       | {'too_many', limit}
--
-- Invariant: exactly when it answers 'accepted' every film of the batch is charged for, queued and listed, and the batch is
-- there; otherwise none is. The same batch id is accepted once. A batch that was voided before is never accepted.

local FIRST = 18
local id, key_id, account, price = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = P .. 'batch:' .. id
if redis.call('EXISTS', P .. 'void:' .. id) == 1 then
  return { 'void' }
end
if redis.call('EXISTS', key) == 1 then
  return { 'accepted' }
end
if not holds_slot(key_id, ARGV[11], ARGV[12]) then
  return { 'slot_lost' }
end
local payer = redis.call('HMGET', P .. 'account:' .. account, 'balance', 'frozen', 'live_jobs')
if not payer[1] then
  return { 'no_account' }
end
if payer[2] == '1' then
  return { 'frozen' }
end
local films = (#ARGV - FIRST + 1) / 2
if tonumber(payer[1]) < price * films then
  return { 'insufficient', payer[1] }
end
local limit = tonumber(payer[3] or ARGV[7])
if redis.call('SCARD', P .. 'live:' .. account) + films > limit then
  return { 'too_many', int(limit) }
end

local now = now_ms()
local stages = cjson.decode(ARGV[10])
-- No film of it can end later than its longest wait and its time limit.
local until_ms = int(now + tonumber(ARGV[16]) + tonumber(ARGV[6]) + tonumber(ARGV[8]))
redis.call('HSET', key, 'key', key_id, 'account', account, 'document', ARGV[5], 'price', int(price * films),
  'films', int(films), 'live', int(films), 'created', int(now), 'ended', '0', 'until', until_ms, 'version', '0',
  'stopped', '0', 'webhook_url', ARGV[9])
redis.call('PEXPIREAT', key, until_ms)
for place = FIRST, #ARGV, 2 do
  accept({ id = ARGV[place], key = key_id, account = account, order = ARGV[place + 1], price = price,
    memo = 'transform in batch ' .. id, limit = ARGV[6], units = ARGV[17], ttl = ARGV[8], wait = ARGV[16], parent = '',
    batch = id, webhook_url = '', webhook_events = '', stages = stages })
  redis.call('RPUSH', P .. 'batch-jobs:' .. id, ARGV[place])
  announce(ARGV[place])
end
redis.call('PEXPIREAT', P .. 'batch-jobs:' .. id, until_ms)
local list = P .. 'batches:' .. key_id
redis.call('ZADD', list, redis.call('INCR', P .. 'sequence'), id)
-- Entries of batches whose time is over go with those that come: two for each.
for _, old in ipairs(redis.call('ZRANGE', list, 0, 1)) do
  if redis.call('EXISTS', P .. 'batch:' .. old) == 0 then
    redis.call('ZREM', list, old)
  end
end
keep_answer(key_id, ARGV[11], ARGV[12], ARGV[13], ARGV[14], ARGV[15])
return { 'accepted' }
