package signaling_test

// page is what the browser runs: a viewer or a master made with the official
// SDK, and a second peer connection that stands for the camera's media. All
// media goes through the relay.
const page = `<!doctype html><meta charset="utf-8"><title>signaling</title><script src="/sdk.js"></script><script>
const events = []
const note = (...words) => events.push(words.join(' '))
let camera

function open(config) {
  const client = new KVSWebRTC.SignalingClient(config)
  client.on('error', e => note('error', e.message || e.type))
  client.on('close', () => note('close'))
  client.on('statusResponse', s => note('status', JSON.stringify(s)))
  return client
}

function watch(config, iceServers) {
  const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' })
  const data = peer.createDataChannel('kvsDataChannel')
  data.onopen = () => data.send('ping')
  data.onmessage = m => note('data', m.data)
  const client = open(config)
  client.on('open', async () => {
    note('open')
    await peer.setLocalDescription(await peer.createOffer({ offerToReceiveVideo: true }))
    client.sendSdpOffer(peer.localDescription)
  })
  client.on('sdpAnswer', async answer => {
    note('answer')
    await peer.setRemoteDescription(answer)
  })
  client.on('iceCandidate', candidate => peer.addIceCandidate(candidate))
  peer.addEventListener('icecandidate', e => {
    if (e.candidate) client.sendIceCandidate(e.candidate)
  })
  client.open()
}

// answer is what the camera says to an offer, and what it finds about itself.
async function answer(offer, iceServers) {
  camera = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' })
  camera.ondatachannel = e => { e.channel.onmessage = m => e.channel.send('echo ' + m.data) }
  const found = []
  camera.onicecandidate = e => { if (e.candidate) found.push(e.candidate) }
  await camera.setRemoteDescription(offer)
  await camera.setLocalDescription(await camera.createAnswer())
  while (camera.iceGatheringState !== 'complete') await new Promise(r => setTimeout(r, 10))
  const { type, sdp } = camera.localDescription
  return JSON.stringify({ answer: { type, sdp: sdp.replace(/a=candidate.*\r\n/g, '') }, candidates: found })
}

function master(config) {
  const client = open(config)
  client.on('open', () => note('open'))
  client.on('sdpOffer', (offer, from) => {
    note('offer', from, offer.sdp)
    client.sendSdpAnswer({ type: 'answer', sdp: 'to ' + from }, from, 'correlated-1')
    client.sendIceCandidate({ candidate: 'host', sdpMid: '0' }, from)
  })
  client.on('iceCandidate', (candidate, from) => note('candidate', from, candidate.candidate))
  client.open()
}
</script>`
