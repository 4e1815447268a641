// Talks to a gateway with the official client and prints what it saw as one line of JSON. usage: node client.mjs BASE_URL
import OpenAI from 'openai';
import { errorOf } from './errors.mjs';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'any', maxRetries: 0 });
const messages = [{ role: 'user', content: 'hello' }];
const seen = {};

seen.models = (await client.models.list()).data.map(m => m.id);
seen.model = await client.models.retrieve('auto:cheap');

const whole = await client.chat.completions.create({ model: 'auto', user: 'ann', messages });
seen.whole = { id: whole.id, model: whole.model, text: whole.choices[0].message.content, usage: whole.usage };

const stream = await client.chat.completions.create({ model: 'auto', user: 'ann', messages, stream: true, stream_options: { include_usage: true } });
seen.stream = { ids: new Set(), models: new Set(), text: '', usage: null, chunks: 0 };
for await (const chunk of stream) {
  seen.stream.chunks++;
  seen.stream.ids.add(chunk.id);
  seen.stream.models.add(chunk.model);
  seen.stream.text += chunk.choices[0]?.delta?.content ?? '';
  seen.stream.usage = chunk.usage ?? seen.stream.usage;
}
seen.stream.ids = [...seen.stream.ids];
seen.stream.models = [...seen.stream.models];

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
const called = client.chat.completions.stream({ model: 'auto', messages: [{ role: 'user', content: 'tools' }], tools });
const final = await called.finalChatCompletion();
seen.tool = final.choices[0].message.tool_calls[0].function;

const embedding = await client.embeddings.create({ model: 'embedder', input: ['a', 'b'] });
seen.embedding = { model: embedding.model, vectors: embedding.data.map(d => d.embedding) };

seen.notFound = await errorOf(() => client.chat.completions.create({ model: 'gpt-9', messages }));
seen.noModel = await errorOf(() => client.models.retrieve('gpt-9'));
seen.badRequest = await errorOf(() => client.chat.completions.create({ model: 'auto' }));
seen.brokeOff = await errorOf(async () => {
  let text = '';
  const broken = await client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'break' }], stream: true });
  for await (const chunk of broken) {
    text += chunk.choices[0]?.delta?.content ?? '';
  }
});

const left = await client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'endless' }], stream: true });
for await (const chunk of left) {
  seen.left = chunk.choices[0]?.delta?.content;
  break; // the client closes the connection
}

console.log(JSON.stringify(seen));
