#!lua name=xiu_winlog
-- The win log's decisions, atomic inside the server. Source: docs/money.md, "Award" and "Epoch".
-- KEYS[1] stream, KEYS[2] fence beside it (same hash tag). An entry is one field `e`; its id is epoch-sequence.

-- Fences raised in this life of the process and of this library: fence key -> epoch. A restart, a failover or a reload
-- empties it, while the key may survive or come back in an older state; only where both agree is the fence believed.
local raised = {}

local function epoch_of_key(key)
    return tonumber(server.call('GET', key) or nil)
end

local function fenced(key, epoch)
    return epoch == nil or raised[key] ~= epoch or epoch_of_key(key) ~= epoch
end

local function split(id)
    local epoch, sequence = string.match(id, '^(%d+)-(%d+)$')
    return tonumber(epoch), tonumber(sequence)
end

-- Entries as {id, bytes}; an entry of any other shape keeps its id, with no bytes: the reader finds it damaged.
local function plain(entries)
    local out = {}
    for i, entry in ipairs(entries) do
        local fields = entry[2]
        local sound = #fields == 2 and fields[1] == 'e'
        out[i] = {entry[1], sound and fields[2] or ''}
    end
    return out
end

-- ARGV: epoch, sequence, entry. Stores the entry, or says why not.
local function append(keys, argv)
    local stream, fence = keys[1], keys[2]
    local epoch, sequence, entry = tonumber(argv[1]), tonumber(argv[2]), argv[3]
    if fenced(fence, epoch) then
        return 'FENCED'
    end
    local id = argv[1] .. '-' .. argv[2]
    local last = server.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
    local last_epoch, last_sequence = 0, 0
    if last then
        last_epoch, last_sequence = split(last[1])
    end
    local next_one = (epoch == last_epoch and sequence == last_sequence + 1) or (epoch > last_epoch and sequence == 1)
    if next_one then
        local stored = server.pcall('XADD', stream, id, 'e', entry)
        if type(stored) == 'table' and stored.err then
            -- The stream once held more than it shows (its end was deleted): not ours to go on with.
            if string.find(stored.err, 'equal or smaller', 1, true) then
                return 'CONFLICT'
            end
            return stored
        end
        return 'OK'
    end
    -- Sent again: harmless, if it is what stands there.
    local there = plain(server.call('XRANGE', stream, id, id))[1]
    if there and there[2] == entry then
        return 'OK'
    end
    return 'CONFLICT'
end

-- ARGV: epoch. Accepts a higher epoch than key, library and stream know; one message per epoch number.
local function raise(keys, argv)
    local stream, fence = keys[1], keys[2]
    local epoch = tonumber(argv[1])
    local last = server.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
    local known = math.max(epoch_of_key(fence) or 0, raised[fence] or 0, last and split(last[1]) or 0)
    if epoch == nil or epoch <= known then
        return {'STALE', string.format('%.0f', known)}
    end
    server.call('SET', fence, argv[1])
    raised[fence] = epoch
    return {'RAISED', argv[1]}
end

-- ARGV: epoch, id to start behind ('0-0' for the beginning), how many. Entries as {id, bytes}.
local function read(keys, argv)
    if fenced(keys[2], tonumber(argv[1])) then
        return {'FENCED'}
    end
    return {'OK', plain(server.call('XRANGE', keys[1], '(' .. argv[2], '+', 'COUNT', argv[3]))}
end

-- ARGV: epoch. The id of the last entry, '0-0' when there is none.
local function last(keys, argv)
    if fenced(keys[2], tonumber(argv[1])) then
        return {'FENCED'}
    end
    local entry = server.call('XREVRANGE', keys[1], '+', '-', 'COUNT', 1)[1]
    return {'OK', entry and entry[1] or '0-0'}
end

server.register_function('xiu_append', append)
server.register_function('xiu_raise', raise)
server.register_function{function_name = 'xiu_read', callback = read, flags = {'no-writes'}}
server.register_function{function_name = 'xiu_last', callback = last, flags = {'no-writes'}}
