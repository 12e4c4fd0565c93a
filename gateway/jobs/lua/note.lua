-- Note something that a running stage has made on its way, so that an attempt that takes the job over has it too.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token, 3 field of the job's hash, 4 value
-- Returns 1, or 0 when the attempt has lost the job
--
-- Invariant: writes only for the valid token; what was noted never changes. Customers see nothing of it.

local key = P .. 'job:' .. ARGV[1]
if redis.call('HGET', key, 'token') ~= ARGV[2] then
  return 0
end
redis.call('HSETNX', key, ARGV[3], ARGV[4])
return 1
