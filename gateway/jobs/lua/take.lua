-- Take one request's token from an account's bucket.
--
-- KEYS[1] prefix
-- ARGV: 1 account id, 2 default requests per minute
-- Returns {allowed 0|1, limit, whole tokens left, ms until full, ms until the next token}
--
-- Invariant: over any minute at most 2 x limit requests pass (a full bucket and its refill), and limit in the long run.

local limit = tonumber(redis.call('HGET', P .. 'account:' .. ARGV[1], 'requests_per_minute') or ARGV[2])
local key = P .. 'bucket:' .. ARGV[1]
local now = now_ms()
local held = redis.call('HMGET', key, 'tokens', 'at')
local per_ms = limit / 60000
local tokens = limit
if held[1] then
  tokens = math.min(limit, tonumber(held[1]) + math.max(0, now - tonumber(held[2])) * per_ms)
end
local allowed = 0
if tokens >= 1 then
  allowed = 1
  tokens = tokens - 1
end
redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', int(now))
redis.call('PEXPIRE', key, 120000)
local next_ms = 0
if allowed == 0 then
  next_ms = math.ceil((1 - tokens) / per_ms)
end
return { allowed, limit, math.floor(tokens), math.ceil((limit - tokens) / per_ms), next_ms }
