/**
 * The part of a structural schema (apiextensions.k8s.io/v1 JSONSchemaProps) that the files in `crds/` use. A keyword that
 * is not here is refused when they are read, so that none can be written that only the API server would heed.
 */
export interface Schema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly format?: 'int64' | 'date-time';
  readonly minimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

/** One CEL rule of a schema: true is good. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  /** CEL that yields the message; `message` stands in when it fails. */
  readonly messageExpression?: string;
  /** Path below the schema that the error is reported at, such as `.svid.ttl`. */
  readonly fieldPath?: string;
}

/** A kind as its file in `crds/` defines it. */
export interface KindDefinition {
  readonly kind: string;
  /** `group/version`. */
  readonly apiVersion: string;
  readonly scope: 'Cluster' | 'Namespaced';
  readonly schema: Schema;
}
