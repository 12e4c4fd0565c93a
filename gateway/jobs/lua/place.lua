-- How many jobs will be taken before one that waits, or before a new one of an account.
--
-- KEYS[1] prefix
-- ARGV: 1 account id, 2 job id ('' for a new one)
-- Returns the number, or -1 when the job does not wait
--
-- Accounts take turns, so of each other account count as many as the job has before it in its own queue, and one more
-- where that account is next. With many accounts an estimate takes the place of the count.

local COUNTED_ACCOUNTS = 64
local account, job_id = ARGV[1], ARGV[2]
local mine
if job_id == '' then
  mine = redis.call('ZCARD', P .. 'queue:' .. account)
else
  mine = redis.call('ZRANK', P .. 'queue:' .. account, job_id)
  if not mine then
    return -1
  end
end
local accounts = redis.call('ZCARD', P .. 'turns')
if accounts > COUNTED_ACCOUNTS then
  return math.min(redis.call('ZCARD', P .. 'waiting'), mine * accounts + math.floor(accounts / 2))
end
local ahead = mine
local score = tonumber(redis.call('ZSCORE', P .. 'turns', account) or math.huge)
local others = redis.call('ZRANGE', P .. 'turns', 0, -1, 'WITHSCORES')
for index = 1, #others, 2 do
  if others[index] ~= account then
    local first = tonumber(others[index + 1]) <= score and 1 or 0
    ahead = ahead + math.min(redis.call('ZCARD', P .. 'queue:' .. others[index]), mine + first)
  end
end
return ahead
