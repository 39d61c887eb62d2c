-- The authorization code flow of a signed-in browser in a closed loop: an authorization request, then the code for tokens.
-- AUTHORIZE, COOKIE, TOKEN, BASIC, BODY (the code is put behind it). A flow is two requests.
local codes, threads = {}, {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  begin = wrk.format('GET', os.getenv('AUTHORIZE'), { Cookie = os.getenv('COOKIE') })
  path, body = os.getenv('TOKEN'), os.getenv('BODY')
  headers = { Authorization = 'Basic ' .. os.getenv('BASIC'), ['Content-Type'] = 'application/x-www-form-urlencoded' }
  bad, flows, sample = 0, 0, ''
end
function request()
  local code = table.remove(codes)
  if not code then return begin end
  return wrk.format('POST', path, headers, body .. code)
end
function response(status, answered, text)
  local location = answered['Location'] or answered['location']
  local code = location and location:match('[?&]code=([^&]+)')
  if code then
    table.insert(codes, code)
  elseif status == 200 and text:find('"id_token"', 1, true) then
    flows = flows + 1
  else
    bad = bad + 1
    sample = status .. ' ' .. (location or '') .. ' ' .. text:sub(1, 120)
  end
end
function done(summary, latency, rates)
  local failed, seen, made = 0, '', 0
  for _, thread in ipairs(threads) do
    failed = failed + thread:get('bad')
    made = made + thread:get('flows')
    seen = thread:get('sample')
  end
  local errors = summary.errors
  failed = failed + errors.connect + errors.read + errors.write + errors.timeout
  if failed > 0 then io.write('SAMPLE ' .. seen .. '\n') end
  io.write(string.format('RESULT %d %.3f %d %d %d\n', made, summary.duration / 1e6, latency:percentile(50),
    latency:percentile(99), failed))
end
