-- Accept a batch: charge for every film, write and queue them, and keep the idempotent answer, all or nothing.
--
-- KEYS[1] prefix
-- ARGV: 1 to 9 as every script that charges (prelude), 1 being the batch id; 10 document (JSON), 11 time limit ms of a film
--       from its first claim, 12 default limit of live jobs, 13 job ttl ms, 14 longest wait for the first claim ms, 15 units
--       of work of each film, 16 stages (JSON list), 17 webhook url, then for each film: job id, order (JSON)
-- Returns {'accepted'} | {'too_many', limit} | {'void'} | a refusal (prelude)
--
-- Invariant: exactly when it answers 'accepted' every film of the batch is charged for, queued and listed, and the batch is
-- there; otherwise none is. The same batch id is accepted once. A batch that was voided before is never accepted.

local FIRST = 18
local id, key_id, account, price = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key = P .. 'batch:' .. id
if is_void() then
  return { 'void' }
end
if redis.call('EXISTS', key) == 1 then
  return { 'accepted' }
end
local films = (#ARGV - FIRST + 1) / 2
local refused, own_limit = refusal(price * films)
if refused then
  return refused
end
local limit = tonumber(own_limit or ARGV[12])
if redis.call('SCARD', P .. 'live:' .. account) + films > limit then
  return { 'too_many', int(limit) }
end

local now = now_ms()
local stages = cjson.decode(ARGV[16])
-- No film of it can end later than its longest wait and its time limit.
local until_ms = int(now + tonumber(ARGV[14]) + tonumber(ARGV[11]) + tonumber(ARGV[13]))
redis.call('HSET', key, 'key', key_id, 'account', account, 'document', ARGV[10], 'price', int(price * films),
  'films', int(films), 'live', int(films), 'created', int(now), 'ended', '0', 'until', until_ms, 'version', '0',
  'stopped', '0', 'webhook_url', ARGV[17])
redis.call('PEXPIREAT', key, until_ms)
for place = FIRST, #ARGV, 2 do
  accept({ id = ARGV[place], key = key_id, account = account, order = ARGV[place + 1], price = price,
    memo = 'transform in batch ' .. id, limit = ARGV[11], units = ARGV[15], ttl = ARGV[13], wait = ARGV[14], parent = '',
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
keep_answer(key_id, ARGV[5], ARGV[7], ARGV[8], ARGV[9])
return { 'accepted' }
