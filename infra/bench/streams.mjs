// Opens COUNT streams at a gateway that say one word and then nothing, and holds them until the input closes. usage: node streams.mjs PORT COUNT
import net from 'node:net';

const [port, count] = process.argv.slice(2).map(Number);
const body = '{"model":"auto","user":"idle","stream":true,"messages":[{"role":"user","content":"idle"}]}';
const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
let begun = 0, failed = 0, opened = 0;

function open() {
  if (opened === count) return;
  opened++;
  let text = '';
  const socket = net.connect(port, '127.0.0.1', () => socket.write(head + body));
  socket.on('data', data => {
    if (text === null) return;
    text += data;
    if (text.includes('"The"')) {
      text = null;
      begun++;
      next();
    } else if (/^HTTP\/1.1 [45]/.test(text)) {
      text = null;
      failed++;
      next();
    }
  });
  socket.on('error', () => { if (text !== null) { text = null; failed++; next(); } });
}

function next() {
  if (begun + failed === count) console.log(`open ${begun} failed ${failed}`);
  open();
}

for (let i = 0; i < 100; i++) open();
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
