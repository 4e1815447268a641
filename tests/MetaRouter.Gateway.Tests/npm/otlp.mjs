// An OTLP receiver on free ports of this machine, by HTTP and by gRPC. It decodes with the classes OpenTelemetry generates from the protocol's own definitions, and
// strictly: a message that is torn, or has a field the protocol does not know, is refused. Prints its ports, then one line of JSON for each message.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import grpc from '@grpc/grpc-js';

const require = createRequire(import.meta.url);
const { Reader } = require('protobufjs/minimal');
const { collector } = require('@opentelemetry/otlp-transformer/build/src/generated/root.js').opentelemetry.proto;

Reader.prototype.skipType = wireType => { throw new Error(`a field of wire type ${wireType} that the protocol does not know`); };

const signals = {
  traces: ['trace', 'ExportTraceServiceRequest', 'TraceService'],
  metrics: ['metrics', 'ExportMetricsServiceRequest', 'MetricsService'],
  logs: ['logs', 'ExportLogsServiceRequest', 'LogsService'],
};
const hex = (_, value) => (value?.type === 'Buffer' ? Buffer.from(value.data).toString('hex') : value); // ids are bytes
const print = line => process.stdout.write(JSON.stringify(line, hex) + '\n');

function take(transport, signal, bytes) {
  const [folder, message] = signals[signal];
  const type = collector[folder].v1[message];
  const decoded = type.decode(bytes);
  const problem = type.verify(decoded);
  if (problem) throw new Error(problem);
  print({ transport, signal, message: type.toObject(decoded, { longs: String, enums: String }) });
}

const web = createServer((request, response) => {
  const parts = [];
  request.on('data', part => parts.push(part)).on('end', () => {
    try {
      const signal = /^\/v1\/(traces|metrics|logs)$/.exec(request.url)?.[1];
      if (!signal || request.method !== 'POST' || request.headers['content-type'] !== 'application/x-protobuf') throw new Error(`${request.method} ${request.url} ${request.headers['content-type']}`);
      take('http/protobuf', signal, Buffer.concat(parts));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    } catch (error) {
      print({ error: String(error) });
      response.writeHead(400).end();
    }
  });
});

const rpc = new grpc.Server();
for (const [signal, [folder, , service]] of Object.entries(signals)) {
  const path = `/opentelemetry.proto.collector.${folder}.v1.${service}/Export`;
  rpc.addService({ Export: { path, requestStream: false, responseStream: false, requestDeserialize: bytes => bytes, requestSerialize: bytes => bytes, responseDeserialize: bytes => bytes, responseSerialize: bytes => bytes } }, {
    Export: (call, done) => {
      try {
        take('grpc', signal, call.request);
        done(null, Buffer.alloc(0)); // an empty answer: all of it was taken
      } catch (error) {
        print({ error: String(error) });
        done({ code: grpc.status.INVALID_ARGUMENT, details: String(error) });
      }
    },
  });
}

web.listen(0, '127.0.0.1', () => rpc.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  print({ http: web.address().port, grpc: port });
}));
process.stdin.on('end', () => process.exit(0)).resume(); // with its test
