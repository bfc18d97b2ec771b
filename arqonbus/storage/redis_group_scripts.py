"""Scripts of durable groups: consumer groups of Redis on the stream of a log.

To Redis a node is one consumer. A lease is an entry's place in the list of pending ones, with the consumer and the time
of the delivery; it is over when that is ``ack_wait_s`` ago. What is given back belongs to the consumer RELEASED, with
a time so long ago that it may be taken.

Beside the stream a hash knows of the channel's groups, by fields: ``o:<group>`` options, ``t:<group>`` when a node
last had members (ms), ``r:<group>`` and ``d:<group>`` what was given again, and given up; and ``m:<bytes of the group's
name>:<group>:<node>`` the members of a node, and when it said so (ms).
"""

from __future__ import annotations

from arqonbus.storage.redis_scripts import POSITION, Script

__all__ = ["ACK", "DELETE_GROUP", "EXPIRE_GROUPS", "GIVE_BACK", "LIFE_MS", "OPEN_GROUP", "RELEASED", "STANDING", "TAKE"]

LIFE_MS = 60_000
"""After which a group that does not last is forgotten, when no node says that it has members."""

RELEASED = "released"
"""The consumer of what nobody has; no node has this name."""

_FORGET = """
-- What the hash knows of a group.
local function forget(groups, group)
  redis.call('HDEL', groups, 'o:' .. group, 't:' .. group, 'r:' .. group, 'd:' .. group)
  local mine = 'm:' .. #group .. ':' .. group .. ':'
  for _, field in ipairs(redis.call('HKEYS', groups)) do
    if string.sub(field, 1, #mine) == mine then redis.call('HDEL', groups, field) end
  end
end
"""

_HAS_MEMBERS = """
-- Whether any node has said since then (ms) that it has members of a group.
local function has_members(groups, group, since)
  local mine, all = 'm:' .. #group .. ':' .. group .. ':', redis.call('HGETALL', groups)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, #mine) == mine and tonumber(string.match(all[i + 1], ' (%d+)$')) >= tonumber(since) then
      return true
    end
  end
  return false
end
"""

OPEN_GROUP = Script(
    "open_group",
    POSITION
    + _FORGET
    + _HAS_MEMBERS
    + """
local log, groups, name = KEYS[1], KEYS[2], ARGV[1]
local stands = redis.call('HGET', groups, 'o:' .. name)
if ARGV[5] ~= '' and not (stands and has_members(groups, name, ARGV[5])) then
  redis.pcall('XGROUP', 'DESTROY', log, name)          -- it was over
  forget(groups, name)
  stands = false
end
if not stands then
  local epoch, _, top = top_of(log)
  if not epoch then return redis.error_reply('NOLOG there is no log') end
  local from = top
  if ARGV[3] ~= '' then from = text_of(epoch) .. '-' .. ARGV[3] end
  local made = redis.pcall('XGROUP', 'CREATE', log, name, from)
  if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
  redis.call('HSET', groups, 'o:' .. name, ARGV[2])
  stands = ARGV[2]
elseif redis.call('EXISTS', log) == 1 then             -- of a log that was lost since, its groups with it
  redis.pcall('XGROUP', 'CREATE', log, name, '0')
end
redis.call('HSET', groups, 't:' .. name, ARGV[4])
if ARGV[5] ~= '' then
  redis.call('HSET', groups, 'm:' .. #name .. ':' .. name .. ':' .. ARGV[6], '1 ' .. ARGV[4])
  redis.call('PEXPIRE', groups, ARGV[7])
end
return stands
""",
    n_keys=2,
)
"""Make a group, if there is none. Keys: log, groups. Args: 1 group, 2 options, 3 seq after which it begins (empty: the
top), 4 now (ms); and for a group that does not last (else empty) 5 time (ms) before which members are not believed, 6
the consumer, which has a member now, 7 ms that the groups live on. Answer: the options that stand.
"""

TAKE = Script(
    "take",
    """
local log, groups, group, me, wait, n = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local out, free = {}, {}
if ARGV[5] ~= '' then
  redis.call('HSET', groups, 't:' .. group, ARGV[6])
  local field = 'm:' .. #group .. ':' .. group .. ':' .. me
  if ARGV[5] == '0' then redis.call('HDEL', groups, field)
  else redis.call('HSET', groups, field, ARGV[5] .. ' ' .. ARGV[6]) end
  if ARGV[7] ~= '' then redis.call('PEXPIRE', groups, ARGV[7]) end
end
if n == 0 then return out end
if ARGV[5] ~= '' then free = redis.call('XPENDING', log, group, 'IDLE', wait, '-', '+', n)
else free = redis.call('XPENDING', log, group, 'IDLE', wait, '-', '+', n, 'RELEASED') end
if #free > 0 then
  local claim, count = { 'XCLAIM', log, group, me, 0 }, {}
  for _, row in ipairs(free) do
    claim[#claim + 1] = row[1]
    count[row[1]] = row[4] + 1
  end
  local again = 0
  for _, row in ipairs(redis.call(unpack(claim))) do   -- without those that are in no log any more
    out[#out + 1] = row[1]
    out[#out + 1] = count[row[1]]
    out[#out + 1] = row[2][6]
    if count[row[1]] > 1 then again = again + 1 end
  end
  if again > 0 then redis.call('HINCRBY', groups, 'r:' .. group, again) end
end
local left = n - #out / 3
if left > 0 then
  local new = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', left, 'STREAMS', log, '>')
  for _, row in ipairs(new and new[1][2] or {}) do
    out[#out + 1] = row[1]
    out[#out + 1] = 1
    out[#out + 1] = row[2][6]
  end
end
return out
""".replace("RELEASED", RELEASED),
    n_keys=2,
)
"""Lease entries: those given back (and, with members, those whose lease is over), then new ones. Keys: log, groups.
Args: 1 group, 2 consumer, 3 ms after which a lease is over, 4 most entries, 5 members of the node (empty: not said), 6
now (ms), 7 ms that groups live on which do not last (empty: this one does). Answer: id, deliveries with
this one, and text of each.
"""

_MINE = """
-- Whether an entry is leased to a consumer, by its so many-th delivery.
local function is_mine(log, group, me, id, count)
  local row = redis.call('XPENDING', log, group, id, id, 1)[1]
  return row and row[2] == me and row[4] == tonumber(count)
end
"""

ACK = Script(
    "ack",
    _MINE
    + """
local log, group, me, n = KEYS[1], ARGV[1], ARGV[2], 0
for i = 4, #ARGV, 2 do
  if is_mine(log, group, me, ARGV[i], ARGV[i + 1]) then n = n + redis.call('XACK', log, group, ARGV[i]) end
end
if ARGV[3] == '1' and n > 0 then redis.call('HINCRBY', KEYS[2], 'd:' .. group, n) end
return n
""",
    n_keys=2,
)
"""End leases of work that is done. Keys: log, groups. Args: 1 group, 2 consumer, 3 whether it was given up (1, 0), then
id and delivery of each. Answer: how many were leased to it.
"""

GIVE_BACK = Script(
    "give_back",
    _MINE
    + """
local log, group, me = KEYS[1], ARGV[1], ARGV[2]
for i = 4, #ARGV, 3 do
  if is_mine(log, group, me, ARGV[i], ARGV[i + 1]) then
    redis.call('XCLAIM', log, group, 'RELEASED', 0, ARGV[i], 'IDLE', ARGV[3], 'RETRYCOUNT', ARGV[i + 2], 'JUSTID')
  end
end
return 1
""".replace("RELEASED", RELEASED),
    n_keys=1,
)
"""Let others take leased entries. Keys: log. Args: 1 group, 2 consumer, 3 ms for which they count as idle, then id,
delivery, and deliveries that count, of each.
"""

STANDING = Script(
    "standing",
    POSITION
    + """
local log, groups, group = KEYS[1], KEYS[2], ARGV[1]
local _, top = top_of(log)
local options = redis.call('HGET', groups, 'o:' .. group)
if not (top and options) then return false end
for _, g in ipairs(redis.call('XINFO', 'GROUPS', log)) do
  local x = {}
  for i = 1, #g, 2 do x[g[i]] = g[i + 1] end
  if x['name'] == group then
    local seq = tonumber(string.match(x['last-delivered-id'], '-(%d+)$'))
    local pending = redis.call('XPENDING', log, group)
    local mine, members = 'm:' .. #group .. ':' .. group .. ':', {}
    local all = redis.call('HGETALL', groups)
    for i = 1, #all, 2 do
      if string.sub(all[i], 1, #mine) == mine then
        local n, at = string.match(all[i + 1], '^(%d+) (%d+)$')
        if tonumber(at) >= tonumber(ARGV[2]) then
          members[#members + 1] = string.sub(all[i], #mine + 1)
          members[#members + 1] = tonumber(n)
        end
      end
    end
    local again, dead = redis.call('HGET', groups, 'r:' .. group), redis.call('HGET', groups, 'd:' .. group)
    return { options, x['pending'], math.max(0, top - seq), pending[2] or '', pending[4] or {}, members,
      tonumber(again or 0), tonumber(dead or 0) }
  end
end
return false
""",
    n_keys=2,
)
"""Say how a group stands. Keys: log, groups. Args: 1 group, 2 time (ms) before which members are not believed. Answer:
options, entries in work, entries not given to anybody yet, the oldest in work (empty: none), consumers with what each
has in work, nodes and members of each in turn, entries given again so far, given up so far; nil: there is no group.
"""

DELETE_GROUP = Script(
    "delete_group",
    _FORGET
    + _HAS_MEMBERS
    + """
local log, groups, group = KEYS[1], KEYS[2], ARGV[1]
if redis.call('HEXISTS', groups, 'o:' .. group) == 0 then return 0 end
if has_members(groups, group, ARGV[2]) then return -1 end
if redis.call('EXISTS', log) == 1 then redis.call('XGROUP', 'DESTROY', log, group) end
forget(groups, group)
return 1
""",
    n_keys=2,
)
"""Forget a group that has no members. Keys: log, groups. Args: 1 group, 2 time (ms) before which members are not
believed. Answer: 1, done; 0, there is none; -1, it has members.
"""

EXPIRE_GROUPS = Script(
    "expire_groups",
    _FORGET
    + """
local log, groups, before, gone = KEYS[1], KEYS[2], tonumber(ARGV[1]), {}
local all = redis.call('HGETALL', groups)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 't:' and tonumber(all[i + 1]) < before then
    gone[#gone + 1] = string.sub(all[i], 3)
  end
end
for _, group in ipairs(gone) do
  if redis.call('EXISTS', log) == 1 then redis.call('XGROUP', 'DESTROY', log, group) end
  forget(groups, group)
end
if redis.call('EXISTS', log) == 1 then                 -- consumers of nodes that are gone
  for _, g in ipairs(redis.call('XINFO', 'GROUPS', log)) do
    if ARGV[3] == '1' and redis.call('HEXISTS', groups, 'o:' .. g[2]) == 0 then
      redis.call('XGROUP', 'DESTROY', log, g[2])       -- what knew of it has expired
      gone[#gone + 1] = g[2]
    else
      for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', log, g[2])) do
        if c[4] == 0 and c[6] > tonumber(ARGV[2]) then redis.call('XGROUP', 'DELCONSUMER', log, g[2], c[2]) end
      end
    end
  end
end
return gone
""",
    n_keys=2,
)
"""Forget groups that had no members for long, and consumers without anything. Keys: log, groups. Args: 1 time (ms)
before which a group's last members are too long ago, 2 ms after which an idle consumer goes, 3 whether groups go
of which nothing is known (1, 0). Answer: the groups.
"""
