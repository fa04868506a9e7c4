// Runs dynalite for the Go supervisor: node -e <this file>, with NODE_PATH
// naming the directory that holds dynalite, PORT the wished port (0: any) and
// DATA_DIR the LevelDB directory. Says {"port":n} on stdout once it listens.
'use strict'
const { Level } = require('level')
const dynalite = require('dynalite')

const dir = process.env.DATA_DIR

// LevelDB hands writes to the kernel and leaves it at that, so that a power cut
// takes back what has been acknowledged. Dynalite has no setting for it.
for (const write of ['_put', '_del', '_batch']) {
  const plain = Level.prototype[write]
  Level.prototype[write] = function (...args) {
    const options = args.pop()
    return plain.call(this, ...args, { ...options, sync: true })
  }
}

// The supervisor holds our stdin open and writes nothing. Its end means that
// the supervisor is gone, even by kill -9: leave, so that LevelDB's lock is
// free for the next one. Every acknowledged write is already on the disk.
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume()
process.on('SIGTERM', () => process.exit(0))

// A table whose creation was cut short by a kill stays CREATING for ever,
// because only a timer of the dead process would have ended that.
async function finishCreations () {
  const db = new Level(dir, { valueEncoding: 'json' })
  await db.open()
  for await (const [key, table] of db.iterator({ gte: 'table~', lt: 'table~\xff' })) {
    if (table.TableStatus !== 'CREATING') continue
    table.TableStatus = 'ACTIVE'
    for (const index of table.GlobalSecondaryIndexes || []) index.IndexStatus = 'ACTIVE'
    await db.put(key, table)
  }
  await db.close()
}

function listen (port) {
  const server = dynalite({ path: dir, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  // Longer than any client keeps an idle connection, so that no request is
  // ever sent down one that this end is just closing.
  server.keepAliveTimeout = 300e3
  server.headersTimeout = 310e3
  server.on('error', err => {
    // The wished port is only a wish: it keeps the address over a restart.
    if (err.code === 'EADDRINUSE' && port !== 0) return server.listen(0, '127.0.0.1')
    throw err
  })
  server.on('listening', () => console.log(JSON.stringify({ port: server.address().port })))
  server.listen(port, '127.0.0.1')
}

finishCreations().then(() => listen(Number(process.env.PORT)), err => {
  console.error(err.cause ? `${err.message}: ${err.cause.message}` : err.message)
  process.exit(1)
})
