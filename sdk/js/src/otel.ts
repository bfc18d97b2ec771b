// Trace context by OpenTelemetry: `connect(url, { tracing: otel() })`. Needs @opentelemetry/api; the client itself does not.

import {
  context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Span, type Tracer,
} from "@opentelemetry/api";
import type { Message, Tracing } from "./types.js";

export interface OtelOptions {
  /** Default: that of the global provider. */
  tracer?: Tracer;
  /** Whether handlers run inside a consumer span. Default: true outside of browsers: one event may reach thousands of pages. */
  consumerSpans?: boolean;
  /** Names a kind of channel, such as `room:{id}`, so that there are few names of spans. Default: the room with `*`. */
  template?: (address: string) => string;
}

type Carrier = Record<string, string>;

/** Make the adapter. */
export function otel(options: OtelOptions = {}): Tracing {
  const { tracer = trace.getTracer("@arqonbus/client"), template = byRoom } = options;
  const { consumerSpans = typeof document === "undefined" } = options;

  const attributes = (address: string, operation: string, id: string) => ({
    "messaging.system": "arqonbus",
    "messaging.operation.type": operation,
    "messaging.destination.name": address,
    "messaging.destination.template": template(address),
    "messaging.message.id": id,
  });

  return {
    send({ address, id }) {
      // The caller's context, taken now: in a browser it is gone after the first await.
      const parent = context.active();
      const span = tracer.startSpan(
        `send ${template(address)}`, { kind: SpanKind.PRODUCER, attributes: attributes(address, "send", id) }, parent,
      );
      return { carrier: injected(trace.setSpan(parent, span)), done: (error) => end(span, error) };
    },

    process<R>(message: Message, run: () => R): R {
      const parent = extracted(message);
      if (!consumerSpans) return context.with(parent, run);
      const address = message.channel ? `${message.room}:${message.channel}` : message.room || "private";
      const origin = trace.getSpanContext(parent);
      const span = tracer.startSpan(
        `process ${template(address)}`,
        { kind: SpanKind.CONSUMER, attributes: attributes(address, "process", message.id), links: origin ? [{ context: origin }] : [] },
        parent,
      );
      return context.with(trace.setSpan(parent, span), () => settled(span, run));
    },
  };
}

/** The context that a message carries, to continue it where there is no handler: a bare iterator has no span of its own. */
export function contextOf(message: Pick<Message, "traceparent" | "tracestate">): Context {
  return extracted(message);
}

function extracted({ traceparent, tracestate }: Pick<Message, "traceparent" | "tracestate">): Context {
  const carrier: Carrier = { ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) };
  return propagation.extract(ROOT_CONTEXT, carrier);
}

function injected(from: Context): Carrier {
  const carrier: Carrier = {};
  propagation.inject(from, carrier);
  const { traceparent, tracestate } = carrier;
  return { ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) };
}

function settled<R>(span: Span, run: () => R): R {
  try {
    const result = run();
    if (result instanceof Promise) {
      result.then(() => end(span), (error) => end(span, error));
    } else end(span);
    return result;
  } catch (error) {
    end(span, error);
    throw error;
  }
}

function end(span: Span, error?: unknown): void {
  if (error !== undefined) {
    span.recordException(error as Error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: String((error as Error)?.message ?? error) });
  }
  span.end();
}

function byRoom(address: string): string {
  const [room, channel] = address.split(":");
  return channel ? `${room}:*` : room!;
}
