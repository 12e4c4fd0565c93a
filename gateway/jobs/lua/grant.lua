-- Move an account's balance by hand of the operator.
--
-- KEYS[1] prefix
-- ARGV: 1 account id, 2 amount (negative takes back), 3 reference, 4 memo
-- Returns the balance (a string), or '' for an unknown account
--
-- Invariant: the same reference is granted once per account, so a repeat after a lost answer changes nothing.

local account = P .. 'account:' .. ARGV[1]
local balance = redis.call('HGET', account, 'balance')
if not balance then
  return ''
end
if redis.call('SADD', P .. 'grants:' .. ARGV[1], ARGV[3]) == 0 then
  return balance
end
return int(post(ARGV[1], 'grant', tonumber(ARGV[2]), ARGV[3], ARGV[4]))
