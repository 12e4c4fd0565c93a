-- Take tokens from an account's bucket: a second's worth, or one where a second is worth less.
--
-- KEYS[1] prefix
-- ARGV: 1 account id, 2 default requests per minute
-- Returns {tokens taken (0 when there is not one), limit, whole tokens left, ms until full, ms until the next token}
--
-- Invariant: over any minute at most 2 x limit tokens are given (a full bucket and its refill), and limit in the long
-- run. A process takes many at a time because each call is a write, and a write is a flush of the disk.

local limit = tonumber(redis.call('HGET', P .. 'account:' .. ARGV[1], 'requests_per_minute') or ARGV[2])
local key = P .. 'bucket:' .. ARGV[1]
local now = now_ms()
local held = redis.call('HMGET', key, 'tokens', 'at')
local per_ms = limit / 60000
local tokens = limit
if held[1] then
  tokens = math.min(limit, tonumber(held[1]) + math.max(0, now - tonumber(held[2])) * per_ms)
end
local taken = math.min(math.floor(tokens), math.max(1, math.floor(limit / 60)))
tokens = tokens - taken
redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', int(now))
redis.call('PEXPIRE', key, 120000)
local next_ms = 0
if taken == 0 then
  next_ms = math.ceil((1 - tokens) / per_ms)
end
return { taken, limit, math.floor(tokens), math.ceil((limit - tokens) / per_ms), next_ms }
