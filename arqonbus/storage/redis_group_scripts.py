"""Scripts of durable groups: consumer groups of Redis on the stream of a log."""

from __future__ import annotations

from arqonbus.storage.redis_scripts import POSITION, Script

__all__ = ["CLAIM", "CLOSE_GROUP", "GROUP_INFO", "OPEN_GROUP"]

OPEN_GROUP = Script(
    "open_group",
    POSITION
    + """
local log, groups, name = KEYS[1], KEYS[2], ARGV[1]
local stands = redis.call('HGET', groups, name)
if not stands then
  local epoch, _, top = top_of(log)
  if not epoch then return redis.error_reply('NOLOG there is no log') end
  local from = top
  if ARGV[3] ~= '' then from = text_of(epoch) .. '-' .. ARGV[3] end
  local made = redis.pcall('XGROUP', 'CREATE', log, name, from)
  if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
  redis.call('HSET', groups, name, ARGV[2])
  stands = ARGV[2]
elseif redis.call('EXISTS', log) == 1 then             -- of a log that was lost since, its groups with it
  redis.pcall('XGROUP', 'CREATE', log, name, '0')
end
return stands
""",
    n_keys=2,
)
"""Make a group, if there is none. Keys: log, groups. Args: 1 group, 2 options, 3 seq after which it begins (empty: the
top). Answer: the options that stand.
"""

CLAIM = Script(
    "claim",
    """
local log, group, me = KEYS[1], ARGV[1], ARGV[2]
local found = redis.call('XAUTOCLAIM', log, group, me, ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local out = { found[1] }
for _, row in ipairs(found[2]) do
  local pending = redis.call('XPENDING', log, group, row[1], row[1], 1)
  out[#out + 1] = row[1]
  out[#out + 1] = pending[1] and pending[1][4] or 1
  out[#out + 1] = row[2][6]
end
return out
""",
    n_keys=1,
)
"""Take over what has been in work for too long. Keys: log. Args: 1 group, 2 consumer, 3 ms, 4 id to go on from, 5 most
entries. Answer: id to go on from the next time (0-0: from the start), then id, deliveries with this one, and text of
each.
"""

GROUP_INFO = Script(
    "group_info",
    POSITION
    + """
local log, group = KEYS[1], ARGV[1]
local _, top = top_of(log)
if not top then return false end
for _, g in ipairs(redis.call('XINFO', 'GROUPS', log)) do
  local x = {}
  for i = 1, #g, 2 do x[g[i]] = g[i + 1] end
  if x['name'] == group then
    local seq = tonumber(string.match(x['last-delivered-id'], '-(%d+)$'))
    local pending = redis.call('XPENDING', log, group)
    return { x['pending'], math.max(0, top - seq), pending[2] or '', pending[4] or {} }
  end
end
return false
""",
    n_keys=1,
)
"""Say how a group stands. Keys: log. Args: 1 group. Answer: entries in work, entries not given to anybody yet, the
oldest in work (empty: none), and consumers with what each has in work; nil: there is no such group.
"""

CLOSE_GROUP = Script(
    "close_group",
    """
redis.pcall('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
""",
    n_keys=2,
)
"""Forget a group. Keys: log, groups. Args: 1 group. Answer: whether there was one (1, 0)."""
