// Generated from crds/*.yaml by `npm run generate`. Do not edit.

/* oxlint-disable max-lines -- generated data */
import type { KindDefinition } from '../schema.ts';

/** Every kind of `mtlsd.io`, without the descriptions. */
export const kindDefinitions: readonly KindDefinition[] = [
  {
    "kind": "CARotation",
    "apiVersion": "mtlsd.io/v1alpha1",
    "scope": "Cluster",
    "schema": {
      "type": "object",
      "properties": {
        "apiVersion": {
          "type": "string",
          "maxLength": 64
        },
        "kind": {
          "type": "string",
          "maxLength": 64
        },
        "metadata": {
          "type": "object",
          "properties": {
            "name": {
              "type": "string",
              "maxLength": 253
            }
          }
        },
        "spec": {
          "type": "object",
          "required": [
            "trustDomain",
            "what",
            "fromAuthority"
          ],
          "x-kubernetes-validations": [
            {
              "rule": "!has(oldSelf.abort) || !oldSelf.abort || (has(self.abort) && self.abort)",
              "fieldPath": ".abort",
              "message": "an abort cannot be taken back; make another CARotation when this one has ended"
            },
            {
              "rule": "has(self.confirm) == has(oldSelf.confirm) && (!has(self.confirm) || !has(oldSelf.confirm) || self.confirm == oldSelf.confirm)",
              "fieldPath": ".confirm",
              "message": "the confirmation cannot be changed; make another CARotation"
            },
            {
              "rule": "has(self.distrustAfter) == has(oldSelf.distrustAfter) && (!has(self.distrustAfter) || !has(oldSelf.distrustAfter) || self.distrustAfter == oldSelf.distrustAfter)",
              "fieldPath": ".distrustAfter",
              "message": "the time of distrust cannot be changed; pause the rotation to hold it back"
            },
            {
              "rule": "has(self.approvals) == has(oldSelf.approvals) && (!has(self.approvals) || !has(oldSelf.approvals) || self.approvals == oldSelf.approvals)",
              "fieldPath": ".approvals",
              "message": "which gates wait for a person cannot be changed; add to approved, or pause the rotation"
            },
            {
              "rule": "has(self.pace) == has(oldSelf.pace) && (!has(self.pace) || !has(oldSelf.pace) || self.pace == oldSelf.pace)",
              "fieldPath": ".pace",
              "message": "the pace cannot be changed; pause the rotation to relieve the API server"
            },
            {
              "rule": "!has(self.mode) || self.mode != 'Emergency' || self.what == 'Root'",
              "fieldPath": ".mode",
              "message": "Emergency is for roots: consumers trust roots, so a stolen issuing key is distrusted only by replacing its root; write what: Root"
            },
            {
              "rule": "!has(self.mode) || self.mode != 'Emergency' || (has(self.confirm) && self.confirm == self.trustDomain)",
              "fieldPath": ".confirm",
              "message": "an emergency breaks whoever is late: write the name of the trust domain into confirm to say that you know"
            },
            {
              "rule": "!has(self.mode) || self.mode != 'Emergency' || !has(self.abort) || !self.abort",
              "fieldPath": ".abort",
              "message": "an emergency cannot be aborted, for it keeps no key of the old root; pause it to hold the distrust back"
            },
            {
              "rule": "!has(self.distrustAfter) || (has(self.mode) && self.mode == 'Emergency')",
              "fieldPath": ".distrustAfter",
              "message": "only an emergency distrusts at a named time; a graceful rotation waits until nothing live needs the old root"
            }
          ],
          "properties": {
            "trustDomain": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
                  "message": "write the name of a TrustDomain, such as shop.example: lower-case letters, digits, \"-\" and \".\", without \"spiffe://\""
                },
                {
                  "rule": "self == oldSelf",
                  "message": "a rotation is of one trust domain for good; make another CARotation"
                }
              ]
            },
            "what": {
              "type": "string",
              "enum": [
                "Root",
                "Issuing"
              ],
              "x-kubernetes-validations": [
                {
                  "rule": "self == oldSelf",
                  "message": "what is rotated cannot be changed; make another CARotation"
                }
              ]
            },
            "fromAuthority": {
              "type": "string",
              "minLength": 8,
              "maxLength": 128,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[0-9a-f]*$')",
                  "message": "write the key identifier as the status of the TrustDomain has it, in lower-case hexadecimal"
                },
                {
                  "rule": "self == oldSelf",
                  "message": "the authority that a rotation is from cannot be changed; make another CARotation"
                }
              ]
            },
            "mode": {
              "type": "string",
              "enum": [
                "Graceful",
                "Emergency"
              ],
              "default": "Graceful",
              "x-kubernetes-validations": [
                {
                  "rule": "self == oldSelf",
                  "message": "the mode cannot be changed; abort this rotation, or make another one"
                }
              ]
            },
            "confirm": {
              "type": "string",
              "maxLength": 63
            },
            "distrustAfter": {
              "type": "string",
              "maxLength": 32,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                  "message": "write hours, minutes and seconds in this order, such as 15m, 1h30m or 90s; there is no unit for days"
                },
                {
                  "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('168h')",
                  "message": "a stolen root is distrusted within 168h (a week); use a graceful rotation where there is more time"
                }
              ]
            },
            "approvals": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "atomic",
              "items": {
                "type": "string",
                "enum": [
                  "Written",
                  "Delivered",
                  "Loaded",
                  "Fetched",
                  "Canary",
                  "Acknowledged",
                  "Reissued",
                  "Drained",
                  "Withdrawn"
                ]
              }
            },
            "approved": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "atomic",
              "items": {
                "type": "string",
                "enum": [
                  "Written",
                  "Delivered",
                  "Loaded",
                  "Fetched",
                  "Canary",
                  "Acknowledged",
                  "Reissued",
                  "Drained",
                  "Withdrawn"
                ]
              }
            },
            "pace": {
              "type": "integer",
              "format": "int64",
              "minimum": 1,
              "x-kubernetes-validations": [
                {
                  "rule": "self <= 10000",
                  "message": "write 10000 a second or less"
                }
              ]
            },
            "exemptions": {
              "type": "array",
              "maxItems": 100,
              "x-kubernetes-list-type": "atomic",
              "items": {
                "type": "object",
                "required": [
                  "kind",
                  "name",
                  "reason",
                  "until"
                ],
                "properties": {
                  "kind": {
                    "type": "string",
                    "enum": [
                      "Secret",
                      "ConfigMap",
                      "ClusterTrustBundle",
                      "Pod",
                      "Node",
                      "Replica",
                      "Reader"
                    ]
                  },
                  "namespace": {
                    "type": "string",
                    "maxLength": 63
                  },
                  "name": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 253
                  },
                  "reason": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 512
                  },
                  "until": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  }
                }
              }
            },
            "paused": {
              "type": "boolean"
            },
            "abort": {
              "type": "boolean"
            }
          }
        },
        "status": {
          "type": "object",
          "properties": {
            "observedGeneration": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "phase": {
              "type": "string",
              "enum": [
                "Preflight",
                "Prepare",
                "Distribute",
                "Confirm",
                "Canary",
                "Switch",
                "Reissue",
                "Drain",
                "Retire",
                "Complete",
                "Aborted",
                "Superseded"
              ]
            },
            "direction": {
              "type": "string",
              "enum": [
                "Forward",
                "Back"
              ]
            },
            "gate": {
              "type": "string",
              "maxLength": 32
            },
            "progress": {
              "type": "string",
              "maxLength": 64
            },
            "stragglers": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "fromAuthority": {
              "type": "string",
              "maxLength": 128
            },
            "toAuthority": {
              "type": "string",
              "maxLength": 128
            },
            "toIssuer": {
              "type": "string",
              "maxLength": 128
            },
            "bundleGeneration": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "signerEpoch": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "gates": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": [
                "name"
              ],
              "items": {
                "type": "object",
                "required": [
                  "name",
                  "phase",
                  "state",
                  "done",
                  "total"
                ],
                "properties": {
                  "name": {
                    "type": "string",
                    "enum": [
                      "Written",
                      "Delivered",
                      "Loaded",
                      "Fetched",
                      "Canary",
                      "Acknowledged",
                      "Reissued",
                      "Drained",
                      "Withdrawn"
                    ]
                  },
                  "phase": {
                    "type": "string",
                    "maxLength": 32
                  },
                  "state": {
                    "type": "string",
                    "enum": [
                      "Pending",
                      "Waiting",
                      "Passed"
                    ]
                  },
                  "evidence": {
                    "type": "array",
                    "maxItems": 4,
                    "x-kubernetes-list-type": "set",
                    "items": {
                      "type": "string",
                      "enum": [
                        "observed",
                        "bounded",
                        "approved",
                        "exempted"
                      ]
                    }
                  },
                  "done": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  },
                  "total": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  },
                  "exempted": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  },
                  "since": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  },
                  "until": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  },
                  "message": {
                    "type": "string",
                    "maxLength": 1024
                  },
                  "stragglers": {
                    "type": "array",
                    "maxItems": 20,
                    "x-kubernetes-list-type": "atomic",
                    "items": {
                      "type": "object",
                      "required": [
                        "kind",
                        "name",
                        "reason"
                      ],
                      "properties": {
                        "kind": {
                          "type": "string",
                          "maxLength": 63
                        },
                        "namespace": {
                          "type": "string",
                          "maxLength": 63
                        },
                        "name": {
                          "type": "string",
                          "maxLength": 253
                        },
                        "reason": {
                          "type": "string",
                          "maxLength": 512
                        }
                      }
                    }
                  },
                  "stragglerCount": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  }
                }
              }
            },
            "phases": {
              "type": "array",
              "maxItems": 32,
              "x-kubernetes-list-type": "atomic",
              "items": {
                "type": "object",
                "required": [
                  "phase",
                  "startedAt"
                ],
                "properties": {
                  "phase": {
                    "type": "string",
                    "maxLength": 32
                  },
                  "startedAt": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  }
                }
              }
            },
            "reissued": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "remaining": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "startedAt": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "switchedAt": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "switchEpoch": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "distrustAt": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "drainedAt": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "retiredAt": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "finishedAt": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "nextTime": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "receipt": {
              "type": "object",
              "required": [
                "configMap",
                "key"
              ],
              "properties": {
                "configMap": {
                  "type": "string",
                  "maxLength": 253
                },
                "key": {
                  "type": "string",
                  "maxLength": 253
                },
                "sha256": {
                  "type": "string",
                  "maxLength": 64
                }
              }
            },
            "conditions": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": [
                "type"
              ],
              "items": {
                "type": "object",
                "required": [
                  "type",
                  "status",
                  "reason",
                  "message",
                  "lastTransitionTime"
                ],
                "properties": {
                  "type": {
                    "type": "string",
                    "maxLength": 316
                  },
                  "status": {
                    "type": "string",
                    "enum": [
                      "True",
                      "False",
                      "Unknown"
                    ]
                  },
                  "reason": {
                    "type": "string",
                    "maxLength": 1024
                  },
                  "message": {
                    "type": "string",
                    "maxLength": 32768
                  },
                  "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  },
                  "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  }
                }
              }
            }
          }
        }
      }
    }
  },
  {
    "kind": "ClusterWorkloadIdentity",
    "apiVersion": "mtlsd.io/v1alpha1",
    "scope": "Cluster",
    "schema": {
      "type": "object",
      "properties": {
        "apiVersion": {
          "type": "string",
          "maxLength": 64
        },
        "kind": {
          "type": "string",
          "maxLength": 64
        },
        "metadata": {
          "type": "object",
          "properties": {
            "name": {
              "type": "string",
              "maxLength": 253
            }
          }
        },
        "spec": {
          "type": "object",
          "required": [
            "namespaceSelector"
          ],
          "x-kubernetes-validations": [
            {
              "rule": "!has(self.podSelector) || !('Secret' in self.deliveries)",
              "fieldPath": ".deliveries",
              "message": "a Secret is shared by all pods of a service account, so podSelector is for pod certificates alone: write deliveries: [PodCertificate]"
            }
          ],
          "properties": {
            "namespaceSelector": {
              "type": "object",
              "properties": {
                "matchLabels": {
                  "type": "object",
                  "maxProperties": 32,
                  "additionalProperties": {
                    "type": "string",
                    "maxLength": 63
                  }
                },
                "matchExpressions": {
                  "type": "array",
                  "maxItems": 32,
                  "x-kubernetes-list-type": "atomic",
                  "items": {
                    "type": "object",
                    "required": [
                      "key",
                      "operator"
                    ],
                    "x-kubernetes-validations": [
                      {
                        "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
                        "message": "In and NotIn need at least one entry in values; Exists and DoesNotExist take none"
                      }
                    ],
                    "properties": {
                      "key": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 316
                      },
                      "operator": {
                        "type": "string",
                        "enum": [
                          "In",
                          "NotIn",
                          "Exists",
                          "DoesNotExist"
                        ]
                      },
                      "values": {
                        "type": "array",
                        "maxItems": 64,
                        "x-kubernetes-list-type": "atomic",
                        "items": {
                          "type": "string",
                          "maxLength": 63
                        }
                      }
                    }
                  }
                }
              }
            },
            "serviceAccountNames": {
              "type": "array",
              "maxItems": 64,
              "x-kubernetes-list-type": "set",
              "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 253,
                "x-kubernetes-validations": [
                  {
                    "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
                    "message": "write the name of a service account, such as cart: lower-case letters, digits, \"-\" and \".\", without the namespace"
                  }
                ]
              }
            },
            "serviceAccountSelector": {
              "type": "object",
              "properties": {
                "matchLabels": {
                  "type": "object",
                  "maxProperties": 32,
                  "additionalProperties": {
                    "type": "string",
                    "maxLength": 63
                  }
                },
                "matchExpressions": {
                  "type": "array",
                  "maxItems": 32,
                  "x-kubernetes-list-type": "atomic",
                  "items": {
                    "type": "object",
                    "required": [
                      "key",
                      "operator"
                    ],
                    "x-kubernetes-validations": [
                      {
                        "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
                        "message": "In and NotIn need at least one entry in values; Exists and DoesNotExist take none"
                      }
                    ],
                    "properties": {
                      "key": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 316
                      },
                      "operator": {
                        "type": "string",
                        "enum": [
                          "In",
                          "NotIn",
                          "Exists",
                          "DoesNotExist"
                        ]
                      },
                      "values": {
                        "type": "array",
                        "maxItems": 64,
                        "x-kubernetes-list-type": "atomic",
                        "items": {
                          "type": "string",
                          "maxLength": 63
                        }
                      }
                    }
                  }
                }
              }
            },
            "podSelector": {
              "type": "object",
              "properties": {
                "matchLabels": {
                  "type": "object",
                  "maxProperties": 32,
                  "additionalProperties": {
                    "type": "string",
                    "maxLength": 63
                  }
                },
                "matchExpressions": {
                  "type": "array",
                  "maxItems": 32,
                  "x-kubernetes-list-type": "atomic",
                  "items": {
                    "type": "object",
                    "required": [
                      "key",
                      "operator"
                    ],
                    "x-kubernetes-validations": [
                      {
                        "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
                        "message": "In and NotIn need at least one entry in values; Exists and DoesNotExist take none"
                      }
                    ],
                    "properties": {
                      "key": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 316
                      },
                      "operator": {
                        "type": "string",
                        "enum": [
                          "In",
                          "NotIn",
                          "Exists",
                          "DoesNotExist"
                        ]
                      },
                      "values": {
                        "type": "array",
                        "maxItems": 64,
                        "x-kubernetes-list-type": "atomic",
                        "items": {
                          "type": "string",
                          "maxLength": 63
                        }
                      }
                    }
                  }
                }
              }
            },
            "deliveries": {
              "type": "array",
              "maxItems": 2,
              "x-kubernetes-list-type": "set",
              "default": [
                "Secret",
                "PodCertificate"
              ],
              "x-kubernetes-validations": [
                {
                  "rule": "size(self) > 0",
                  "message": "an identity that is delivered nowhere is of no use: write Secret, PodCertificate or both"
                }
              ],
              "items": {
                "type": "string",
                "enum": [
                  "Secret",
                  "PodCertificate"
                ]
              }
            },
            "priority": {
              "type": "integer",
              "format": "int64",
              "default": 0,
              "x-kubernetes-validations": [
                {
                  "rule": "self >= -1000 && self <= 1000",
                  "message": "a priority is a whole number from -1000 to 1000"
                }
              ]
            },
            "trustDomain": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
                  "message": "write the name of a TrustDomain, such as shop.example: lower-case letters, digits, \"-\" and \".\", without \"spiffe://\""
                }
              ]
            },
            "dnsNames": {
              "type": "array",
              "maxItems": 32,
              "x-kubernetes-list-type": "atomic",
              "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 253,
                "x-kubernetes-validations": [
                  {
                    "rule": "!self.contains('*')",
                    "message": "wildcards are not issued, because a wildcard speaks for workloads that are not this one; write {service} for each service that selects the pod"
                  },
                  {
                    "rule": "!self.matches('[{]') || self.matches('^([^{}]|[{](namespace|serviceAccount|service)[}])*$')",
                    "message": "the placeholders are {namespace}, {serviceAccount} and {service}; write, for example, {serviceAccount}.{namespace}.svc"
                  },
                  {
                    "rule": "self.contains('*') || self.matches('^([{](namespace|serviceAccount|service)[}]|[a-z0-9])(([-]|([{](namespace|serviceAccount|service)[}]|[a-z0-9]))*([{](namespace|serviceAccount|service)[}]|[a-z0-9]))?([.]([{](namespace|serviceAccount|service)[}]|[a-z0-9])(([-]|([{](namespace|serviceAccount|service)[}]|[a-z0-9]))*([{](namespace|serviceAccount|service)[}]|[a-z0-9]))?)*$') || (self.matches('[{]') && !self.matches('^([^{}]|[{](namespace|serviceAccount|service)[}])*$'))",
                    "message": "a DNS name is made of lower-case letters, digits, \"-\" and \".\", and of placeholders; write, for example, {serviceAccount}.{namespace}.svc"
                  }
                ]
              }
            },
            "ttl": {
              "type": "string",
              "maxLength": 32,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                  "message": "write hours, minutes and seconds in this order, such as 1h, 1h30m or 90s; there is no unit for days"
                },
                {
                  "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('1m')",
                  "message": "an identity lives for 1m at least; write 1m or more"
                },
                {
                  "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('24h')",
                  "message": "an identity lives for 24h at most; write 24h or less, it is renewed by itself"
                }
              ]
            },
            "keyAlgorithm": {
              "type": "string",
              "enum": [
                "ECDSAP256",
                "ECDSAP384",
                "ECDSAP521",
                "ED25519",
                "RSA2048",
                "RSA3072",
                "RSA4096"
              ],
              "default": "ECDSAP256"
            },
            "secretName": {
              "type": "string",
              "minLength": 1,
              "maxLength": 253,
              "default": "{serviceAccount}-mtls",
              "x-kubernetes-validations": [
                {
                  "rule": "self.contains('{serviceAccount}')",
                  "message": "it must hold {serviceAccount}, or the service accounts of a namespace would share one Secret; write {serviceAccount}-mtls"
                },
                {
                  "rule": "self.matches('^([{](namespace|serviceAccount)[}]|[a-z0-9])(([-]|([{](namespace|serviceAccount)[}]|[a-z0-9]))*([{](namespace|serviceAccount)[}]|[a-z0-9]))?([.]([{](namespace|serviceAccount)[}]|[a-z0-9])(([-]|([{](namespace|serviceAccount)[}]|[a-z0-9]))*([{](namespace|serviceAccount)[}]|[a-z0-9]))?)*$')",
                  "message": "write the name of a Secret, such as {serviceAccount}-mtls: lower-case letters, digits, \"-\", \".\", {serviceAccount} and {namespace}"
                },
                {
                  "rule": "self == oldSelf",
                  "message": "it cannot be changed, because pods mount the Secrets by this name; make another ClusterWorkloadIdentity"
                }
              ]
            },
            "federatesWith": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "set",
              "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 128,
                "x-kubernetes-validations": [
                  {
                    "rule": "self.matches('^[a-z0-9._-]+$')",
                    "message": "write the name of a trust domain, such as partner.example: lower-case letters, digits, \"-\", \"_\" and \".\", without \"spiffe://\""
                  }
                ]
              }
            },
            "jwt": {
              "type": "object",
              "required": [
                "audiences"
              ],
              "properties": {
                "audiences": {
                  "type": "array",
                  "maxItems": 8,
                  "x-kubernetes-list-type": "map",
                  "x-kubernetes-list-map-keys": [
                    "name"
                  ],
                  "items": {
                    "type": "object",
                    "required": [
                      "name",
                      "audience"
                    ],
                    "properties": {
                      "name": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 63,
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                            "message": "write a name of lower-case letters, digits and \"-\", such as bank; the file is called bank.jwt"
                          }
                        ]
                      },
                      "audience": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 255,
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.matches('^[!-~]+$')",
                            "message": "write what the one who takes the token knows itself by, such as https://bank.example: visible ASCII characters without spaces"
                          }
                        ]
                      }
                    }
                  }
                }
              }
            },
            "secretTemplate": {
              "type": "object",
              "properties": {
                "labels": {
                  "type": "object",
                  "maxProperties": 32,
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.all(k, k.size() <= 316 && k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
                      "message": "a key has an optional prefix and a name of at most 63 characters, such as example.com/team or team"
                    },
                    {
                      "rule": "self.all(k, !k.matches('^([-a-z0-9.]*[.])?mtlsd[.]io/') && k != 'app.kubernetes.io/managed-by')",
                      "message": "labels under mtlsd.io/ and app.kubernetes.io/managed-by are written by mtlsd; use a prefix of your own"
                    },
                    {
                      "rule": "self.all(k, self[k].matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$'))",
                      "message": "a label value has letters, digits, \"-\", \"_\" and \".\" only, and starts and ends with a letter or digit"
                    }
                  ],
                  "additionalProperties": {
                    "type": "string",
                    "maxLength": 63
                  }
                },
                "annotations": {
                  "type": "object",
                  "maxProperties": 32,
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.all(k, k.size() <= 316 && k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
                      "message": "a key has an optional prefix and a name of at most 63 characters, such as example.com/team or team"
                    },
                    {
                      "rule": "self.all(k, !k.matches('^([-a-z0-9.]*[.])?mtlsd[.]io/') )",
                      "message": "annotations under mtlsd.io/ are written by mtlsd; use a prefix of your own"
                    }
                  ],
                  "additionalProperties": {
                    "type": "string",
                    "maxLength": 4096
                  }
                }
              }
            },
            "reload": {
              "type": "object",
              "x-kubernetes-validations": [
                {
                  "rule": "has(self.onRenewal) || has(self.onBundle)",
                  "message": "write onRenewal, onBundle or both, or leave reload out"
                }
              ],
              "properties": {
                "onRenewal": {
                  "type": "object",
                  "required": [
                    "http"
                  ],
                  "properties": {
                    "http": {
                      "type": "object",
                      "required": [
                        "port",
                        "path"
                      ],
                      "properties": {
                        "port": {
                          "type": "integer",
                          "format": "int64",
                          "x-kubernetes-validations": [
                            {
                              "rule": "self >= 1 && self <= 65535",
                              "message": "write a port from 1 to 65535"
                            }
                          ]
                        },
                        "path": {
                          "type": "string",
                          "minLength": 1,
                          "maxLength": 256,
                          "x-kubernetes-validations": [
                            {
                              "rule": "self.matches('^/[-A-Za-z0-9._~!$&()*+,;=:@%/?]*$')",
                              "message": "write a path that starts with \"/\", such as /-/reload: without host and fragment, other characters percent-encoded"
                            }
                          ]
                        },
                        "scheme": {
                          "type": "string",
                          "enum": [
                            "HTTP",
                            "HTTPS"
                          ],
                          "default": "HTTP"
                        }
                      }
                    }
                  }
                },
                "onBundle": {
                  "type": "object",
                  "x-kubernetes-validations": [
                    {
                      "rule": "has(self.http) != has(self.rolloutRestart)",
                      "message": "write one of the two: http, which calls the pods, or rolloutRestart, which replaces them"
                    }
                  ],
                  "properties": {
                    "http": {
                      "type": "object",
                      "required": [
                        "port",
                        "path"
                      ],
                      "properties": {
                        "port": {
                          "type": "integer",
                          "format": "int64",
                          "x-kubernetes-validations": [
                            {
                              "rule": "self >= 1 && self <= 65535",
                              "message": "write a port from 1 to 65535"
                            }
                          ]
                        },
                        "path": {
                          "type": "string",
                          "minLength": 1,
                          "maxLength": 256,
                          "x-kubernetes-validations": [
                            {
                              "rule": "self.matches('^/[-A-Za-z0-9._~!$&()*+,;=:@%/?]*$')",
                              "message": "write a path that starts with \"/\", such as /-/reload: without host and fragment, other characters percent-encoded"
                            }
                          ]
                        },
                        "scheme": {
                          "type": "string",
                          "enum": [
                            "HTTP",
                            "HTTPS"
                          ],
                          "default": "HTTP"
                        }
                      }
                    },
                    "rolloutRestart": {
                      "type": "object"
                    }
                  }
                }
              }
            },
            "deletionPolicy": {
              "type": "string",
              "enum": [
                "Delete",
                "Retain"
              ],
              "default": "Delete"
            }
          }
        },
        "status": {
          "type": "object",
          "properties": {
            "observedGeneration": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "matched": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "identities": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "ready": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "overridden": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "conflictCount": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "conflicts": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "atomic",
              "items": {
                "type": "object",
                "required": [
                  "namespace",
                  "serviceAccount",
                  "reason",
                  "message"
                ],
                "properties": {
                  "namespace": {
                    "type": "string",
                    "maxLength": 253
                  },
                  "serviceAccount": {
                    "type": "string",
                    "maxLength": 253
                  },
                  "reason": {
                    "type": "string",
                    "maxLength": 64
                  },
                  "message": {
                    "type": "string",
                    "maxLength": 1024
                  }
                }
              }
            },
            "conditions": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": [
                "type"
              ],
              "items": {
                "type": "object",
                "required": [
                  "type",
                  "status",
                  "reason",
                  "message",
                  "lastTransitionTime"
                ],
                "properties": {
                  "type": {
                    "type": "string",
                    "maxLength": 316
                  },
                  "status": {
                    "type": "string",
                    "enum": [
                      "True",
                      "False",
                      "Unknown"
                    ]
                  },
                  "reason": {
                    "type": "string",
                    "maxLength": 1024
                  },
                  "message": {
                    "type": "string",
                    "maxLength": 32768
                  },
                  "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  },
                  "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  }
                }
              }
            }
          }
        }
      }
    }
  },
  {
    "kind": "TrustDomain",
    "apiVersion": "mtlsd.io/v1alpha1",
    "scope": "Cluster",
    "schema": {
      "type": "object",
      "x-kubernetes-validations": [
        {
          "rule": "!has(self.spec) || !has(self.spec.federatesWith) || self.spec.federatesWith.all(peer, peer.trustDomain != self.metadata.name)",
          "fieldPath": ".spec.federatesWith",
          "message": "a trust domain does not federate with itself; name other trust domains only"
        }
      ],
      "properties": {
        "apiVersion": {
          "type": "string",
          "maxLength": 64
        },
        "kind": {
          "type": "string",
          "maxLength": 64
        },
        "metadata": {
          "type": "object",
          "properties": {
            "name": {
              "type": "string",
              "maxLength": 63
            }
          }
        },
        "spec": {
          "type": "object",
          "default": {},
          "x-kubernetes-validations": [
            {
              "rule": "duration(self.issuingAuthority.lifetime) + duration(self.issuingAuthority.lifetime) <= duration(self.rootAuthority.lifetime) || !has(self.issuingAuthority) || !has(self.issuingAuthority.lifetime) || !has(self.rootAuthority) || !has(self.rootAuthority.lifetime) || [self.issuingAuthority.lifetime, self.rootAuthority.lifetime].exists(d, d == '' || !d.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$'))",
              "fieldPath": ".issuingAuthority.lifetime",
              "message": "it must be at most half of rootAuthority.lifetime, so that the next issuing authority has its full life under the same root",
              "messageExpression": "'it is ' + self.issuingAuthority.lifetime + ' and must be at most half of rootAuthority.lifetime (' + self.rootAuthority.lifetime + '), so that the next issuing authority has its full life under the same root: shorten it, or raise rootAuthority.lifetime'"
            },
            {
              "rule": "duration(self.svid.maxTTL) + duration(self.svid.maxTTL) <= duration(self.issuingAuthority.lifetime) || !has(self.svid) || !has(self.svid.maxTTL) || !has(self.issuingAuthority) || !has(self.issuingAuthority.lifetime) || [self.svid.maxTTL, self.issuingAuthority.lifetime].exists(d, d == '' || !d.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$'))",
              "fieldPath": ".svid.maxTTL",
              "message": "it must be at most half of issuingAuthority.lifetime, which is what is left when the authority is replaced",
              "messageExpression": "'it is ' + self.svid.maxTTL + ' and must be at most half of issuingAuthority.lifetime (' + self.issuingAuthority.lifetime + '), which is what is left when the authority is replaced: write a shorter maxTTL, or raise issuingAuthority.lifetime'"
            },
            {
              "rule": "duration(self.rotation.root.beforeRemaining) < duration(self.rootAuthority.lifetime) || !has(self.rotation) || !has(self.rotation.root) || !has(self.rotation.root.beforeRemaining) || !has(self.rootAuthority) || !has(self.rootAuthority.lifetime) || [self.rotation.root.beforeRemaining, self.rootAuthority.lifetime].exists(d, d == '' || !d.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$'))",
              "fieldPath": ".rotation.root.beforeRemaining",
              "message": "it must be shorter than rootAuthority.lifetime, or a new root would be rotated as soon as it is made"
            }
          ],
          "properties": {
            "rootAuthority": {
              "type": "object",
              "default": {},
              "properties": {
                "keyAlgorithm": {
                  "type": "string",
                  "enum": [
                    "ECDSAP256",
                    "ECDSAP384",
                    "ECDSAP521",
                    "RSA3072",
                    "RSA4096"
                  ],
                  "default": "ECDSAP256"
                },
                "lifetime": {
                  "type": "string",
                  "maxLength": 32,
                  "default": "8760h",
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                      "message": "write hours, minutes and seconds in this order, such as 8760h, 1h30m or 90s; there is no unit for days"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('219000h')",
                      "message": "a root authority lives for 219000h (25 years) at most"
                    }
                  ]
                }
              }
            },
            "issuingAuthority": {
              "type": "object",
              "default": {},
              "properties": {
                "keyAlgorithm": {
                  "type": "string",
                  "enum": [
                    "ECDSAP256",
                    "ECDSAP384",
                    "ECDSAP521",
                    "RSA3072",
                    "RSA4096"
                  ],
                  "default": "ECDSAP256"
                },
                "lifetime": {
                  "type": "string",
                  "maxLength": 32,
                  "default": "336h",
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                      "message": "write hours, minutes and seconds in this order, such as 336h, 1h30m or 90s; there is no unit for days"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('2m')",
                      "message": "an issuing authority lives for 2m at least, so that identities of 1m fit into what is left at its turn-over"
                    }
                  ]
                }
              }
            },
            "svid": {
              "type": "object",
              "default": {},
              "x-kubernetes-validations": [
                {
                  "rule": "duration(self.ttl) <= duration(self.maxTTL) || !has(self.ttl) || !has(self.maxTTL) || [self.ttl, self.maxTTL].exists(d, d == '' || !d.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$'))",
                  "fieldPath": ".ttl",
                  "message": "ttl is longer than maxTTL",
                  "messageExpression": "'ttl (' + self.ttl + ') is longer than maxTTL (' + self.maxTTL + '): write ' + self.maxTTL + ' or less, or raise maxTTL'"
                }
              ],
              "properties": {
                "ttl": {
                  "type": "string",
                  "maxLength": 32,
                  "default": "1h",
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                      "message": "write hours, minutes and seconds in this order, such as 1h, 1h30m or 90s; there is no unit for days"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('1m')",
                      "message": "an identity lives for 1m at least; write 1m or more"
                    }
                  ]
                },
                "maxTTL": {
                  "type": "string",
                  "maxLength": 32,
                  "default": "24h",
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                      "message": "write hours, minutes and seconds in this order, such as 24h, 1h30m or 90s; there is no unit for days"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('24h')",
                      "message": "an identity lives for 24h at most; write 24h or less"
                    }
                  ]
                }
              }
            },
            "pathTemplate": {
              "type": "string",
              "minLength": 1,
              "maxLength": 512,
              "default": "/ns/{namespace}/sa/{serviceAccount}",
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('\\\\{namespace\\\\}') && self.matches('\\\\{serviceAccount\\\\}')",
                  "message": "it must hold {namespace} and {serviceAccount}, or two workloads would share one SPIFFE ID; write /ns/{namespace}/sa/{serviceAccount}"
                },
                {
                  "rule": "!self.matches('\\\\}[^/]*\\\\{') && !self.matches('\\\\{namespace\\\\}.*\\\\{namespace\\\\}') && !self.matches('\\\\{serviceAccount\\\\}.*\\\\{serviceAccount\\\\}')",
                  "message": "each placeholder stands once and in a segment of its own, or two workloads could share one SPIFFE ID; write /ns/{namespace}/sa/{serviceAccount}"
                },
                {
                  "rule": "self.matches('^(/([A-Za-z0-9._-]|\\\\{namespace\\\\}|\\\\{serviceAccount\\\\})+)+$')",
                  "message": "it must start with \"/\", must not end with \"/\", and its segments may hold A-Z, a-z, 0-9, \".\", \"_\", \"-\", {namespace} and {serviceAccount} only (SPIFFE-3)"
                },
                {
                  "rule": "!self.startsWith('/ext/')",
                  "message": "it leads to /ext/, where the IDs of callers from outside are; begin it with another segment"
                },
                {
                  "rule": "!self.matches('(^|/)[.]{1,2}(/|$)')",
                  "message": "a segment must not be \".\" or \"..\" (SPIFFE-3)"
                },
                {
                  "rule": "self == oldSelf",
                  "message": "it cannot be changed, because that would rename every identity at once; make another TrustDomain and move the identities to it"
                }
              ]
            },
            "dnsNames": {
              "type": "object",
              "default": {},
              "properties": {
                "allowedPatterns": {
                  "type": "array",
                  "maxItems": 32,
                  "x-kubernetes-list-type": "set",
                  "default": [
                    "*.{namespace}",
                    "*.{namespace}.svc",
                    "*.{namespace}.svc.cluster.local"
                  ],
                  "items": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 253,
                    "x-kubernetes-validations": [
                      {
                        "rule": "self.matches('^([*]|\\\\{namespace\\\\}|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)([.]([*]|\\\\{namespace\\\\}|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?))*$')",
                        "message": "a pattern is made of labels with dots between them; a label is \"*\" (exactly one label), {namespace}, or a lower-case name; write for example *.{namespace}.svc.cluster.local"
                      }
                    ]
                  }
                }
              }
            },
            "rotation": {
              "type": "object",
              "properties": {
                "propagationBound": {
                  "type": "string",
                  "maxLength": 32,
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                      "message": "write hours, minutes and seconds in this order, such as 2m, 1h30m or 90s; there is no unit for days"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('24h')",
                      "message": "a change is seen within 24h; write 24h or less"
                    }
                  ]
                },
                "consumerReload": {
                  "type": "string",
                  "maxLength": 32,
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                      "message": "write hours, minutes and seconds in this order, such as 5m, 1h30m or 90s; there is no unit for days"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('168h')",
                      "message": "a consumer reloads within 168h (a week); write 168h or less"
                    }
                  ]
                },
                "root": {
                  "type": "object",
                  "properties": {
                    "every": {
                      "type": "string",
                      "maxLength": 32,
                      "x-kubernetes-validations": [
                        {
                          "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                          "message": "write hours, minutes and seconds in this order, such as 4380h, 1h30m or 90s; there is no unit for days"
                        },
                        {
                          "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('1h')",
                          "message": "a root is rotated every 1h at most; write 1h or more"
                        }
                      ]
                    },
                    "beforeRemaining": {
                      "type": "string",
                      "maxLength": 32,
                      "x-kubernetes-validations": [
                        {
                          "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                          "message": "write hours, minutes and seconds in this order, such as 1440h, 1h30m or 90s; there is no unit for days"
                        },
                        {
                          "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('1h')",
                          "message": "a rotation takes its time; write 1h or more"
                        }
                      ]
                    }
                  }
                }
              }
            },
            "jwt": {
              "type": "object",
              "properties": {
                "issuer": {
                  "type": "string",
                  "minLength": 9,
                  "maxLength": 512,
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^https://[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[-A-Za-z0-9._~]+)*$')",
                      "message": "write an https URL without user, query, fragment and trailing \"/\", such as https://tokens.shop.example"
                    }
                  ]
                },
                "algorithm": {
                  "type": "string",
                  "enum": [
                    "ES256",
                    "RS256"
                  ],
                  "default": "ES256"
                },
                "ttl": {
                  "type": "string",
                  "maxLength": 32,
                  "default": "5m",
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                      "message": "write hours, minutes and seconds in this order, such as 5m or 90s; there is no unit for days"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('1m')",
                      "message": "a token lives for 1m at least; write 1m or more"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('1h')",
                      "message": "a token lives for 1h at most; write 1h or less, because whoever steals it has it until then"
                    }
                  ]
                },
                "keyLifetime": {
                  "type": "string",
                  "maxLength": 32,
                  "default": "168h",
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                      "message": "write hours, minutes and seconds in this order, such as 168h, 1h30m or 5400s; there is no unit for days"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('1h')",
                      "message": "a key signs for 1h at least, because the next one has to be published before; write 1h or more"
                    },
                    {
                      "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('8760h')",
                      "message": "a key signs for 8760h (a year) at most; write 8760h or less"
                    }
                  ]
                }
              }
            },
            "default": {
              "type": "boolean"
            },
            "bundle": {
              "type": "object",
              "required": [
                "namespaceSelector"
              ],
              "properties": {
                "namespaceSelector": {
                  "type": "object",
                  "properties": {
                    "matchLabels": {
                      "type": "object",
                      "maxProperties": 32,
                      "additionalProperties": {
                        "type": "string",
                        "maxLength": 63
                      }
                    },
                    "matchExpressions": {
                      "type": "array",
                      "maxItems": 32,
                      "x-kubernetes-list-type": "atomic",
                      "items": {
                        "type": "object",
                        "required": [
                          "key",
                          "operator"
                        ],
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
                            "message": "In and NotIn need at least one entry in values; Exists and DoesNotExist take none"
                          }
                        ],
                        "properties": {
                          "key": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 316
                          },
                          "operator": {
                            "type": "string",
                            "enum": [
                              "In",
                              "NotIn",
                              "Exists",
                              "DoesNotExist"
                            ]
                          },
                          "values": {
                            "type": "array",
                            "maxItems": 64,
                            "x-kubernetes-list-type": "atomic",
                            "items": {
                              "type": "string",
                              "maxLength": 63
                            }
                          }
                        }
                      }
                    }
                  }
                }
              }
            },
            "federatesWith": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": [
                "trustDomain"
              ],
              "items": {
                "type": "object",
                "required": [
                  "trustDomain",
                  "bundleEndpoint"
                ],
                "x-kubernetes-validations": [
                  {
                    "rule": "!has(self.bundleEndpoint.endpointSPIFFEID) || self.bundleEndpoint.endpointSPIFFEID.startsWith('spiffe://' + self.trustDomain + '/')",
                    "message": "bundleEndpoint.endpointSPIFFEID must be a SPIFFE ID of the other trust domain itself, because its own bundle verifies it"
                  }
                ],
                "properties": {
                  "trustDomain": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 128,
                    "x-kubernetes-validations": [
                      {
                        "rule": "self.matches('^[a-z0-9._-]+$')",
                        "message": "write the name of a trust domain, such as partner.example: lower-case letters, digits, \"-\", \"_\" and \".\", without \"spiffe://\""
                      }
                    ]
                  },
                  "bundleEndpoint": {
                    "type": "object",
                    "required": [
                      "url",
                      "profile"
                    ],
                    "x-kubernetes-validations": [
                      {
                        "rule": "self.profile != 'https_spiffe' || (has(self.endpointSPIFFEID) && has(self.bootstrapBundle) && !has(self.webRoots))",
                        "message": "https_spiffe needs endpointSPIFFEID and bootstrapBundle, and takes no webRoots"
                      },
                      {
                        "rule": "self.profile != 'https_web' || (!has(self.endpointSPIFFEID) && !has(self.bootstrapBundle))",
                        "message": "https_web takes neither endpointSPIFFEID nor bootstrapBundle; set profile to https_spiffe, or leave them out"
                      }
                    ],
                    "properties": {
                      "url": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 1024,
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.matches('^https://[A-Za-z0-9.:_-]+(/[^\\\\x00-\\\\x20@#\\\\x7f-\\\\xff]*)?$') || self.matches('^https://\\\\[[0-9A-Fa-f:.]+\\\\](:[0-9]+)?(/[^\\\\x00-\\\\x20@#\\\\x7f-\\\\xff]*)?$')",
                            "message": "write an address that begins with \"https://\", with a host and without user, \"@\" or \"#\" (SPIFFE-33), such as https://spiffe.partner.example/bundle"
                          }
                        ]
                      },
                      "profile": {
                        "type": "string",
                        "enum": [
                          "https_web",
                          "https_spiffe"
                        ]
                      },
                      "endpointSPIFFEID": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 2048,
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.matches('^spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)+$')",
                            "message": "write the whole SPIFFE ID of the server, such as spiffe://partner.example/spire/server"
                          }
                        ]
                      },
                      "bootstrapBundle": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 32768,
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.contains('-----BEGIN CERTIFICATE-----') && !self.contains('PRIVATE KEY')",
                            "message": "write the roots of the other trust domain as PEM, each between \"-----BEGIN CERTIFICATE-----\" and \"-----END CERTIFICATE-----\""
                          }
                        ]
                      },
                      "webRoots": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 32768,
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.contains('-----BEGIN CERTIFICATE-----') && !self.contains('PRIVATE KEY')",
                            "message": "write roots as PEM, each between \"-----BEGIN CERTIFICATE-----\" and \"-----END CERTIFICATE-----\""
                          }
                        ]
                      }
                    }
                  }
                }
              }
            },
            "allowedNamespaces": {
              "type": "object",
              "properties": {
                "matchLabels": {
                  "type": "object",
                  "maxProperties": 32,
                  "additionalProperties": {
                    "type": "string",
                    "maxLength": 63
                  }
                },
                "matchExpressions": {
                  "type": "array",
                  "maxItems": 32,
                  "x-kubernetes-list-type": "atomic",
                  "items": {
                    "type": "object",
                    "required": [
                      "key",
                      "operator"
                    ],
                    "x-kubernetes-validations": [
                      {
                        "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
                        "message": "In and NotIn need at least one entry in values; Exists and DoesNotExist take none"
                      }
                    ],
                    "properties": {
                      "key": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 316
                      },
                      "operator": {
                        "type": "string",
                        "enum": [
                          "In",
                          "NotIn",
                          "Exists",
                          "DoesNotExist"
                        ]
                      },
                      "values": {
                        "type": "array",
                        "maxItems": 64,
                        "x-kubernetes-list-type": "atomic",
                        "items": {
                          "type": "string",
                          "maxLength": 63
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        },
        "status": {
          "type": "object",
          "properties": {
            "observedGeneration": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "authorities": {
              "type": "array",
              "maxItems": 64,
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": [
                "keyIdentifier"
              ],
              "items": {
                "type": "object",
                "required": [
                  "keyIdentifier",
                  "role",
                  "state",
                  "notBefore",
                  "notAfter"
                ],
                "properties": {
                  "keyIdentifier": {
                    "type": "string",
                    "maxLength": 128
                  },
                  "role": {
                    "type": "string",
                    "enum": [
                      "Root",
                      "Issuing"
                    ]
                  },
                  "state": {
                    "type": "string",
                    "enum": [
                      "Prepared",
                      "Active",
                      "Retiring"
                    ]
                  },
                  "root": {
                    "type": "string",
                    "maxLength": 128
                  },
                  "sinceGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  },
                  "reserved": {
                    "type": "object",
                    "maxProperties": 8,
                    "additionalProperties": {
                      "type": "string",
                      "format": "date-time",
                      "maxLength": 64
                    }
                  },
                  "notBefore": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  },
                  "notAfter": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  }
                }
              }
            },
            "activeIssuer": {
              "type": "string",
              "maxLength": 128
            },
            "signerEpoch": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "bundle": {
              "type": "object",
              "required": [
                "generation",
                "sha256"
              ],
              "properties": {
                "generation": {
                  "type": "integer",
                  "format": "int64",
                  "minimum": 0
                },
                "sha256": {
                  "type": "string",
                  "maxLength": 64
                }
              }
            },
            "jwt": {
              "type": "object",
              "required": [
                "sequence",
                "keys"
              ],
              "properties": {
                "sequence": {
                  "type": "integer",
                  "format": "int64",
                  "minimum": 0
                },
                "issuer": {
                  "type": "string",
                  "maxLength": 512
                },
                "turnsOverAt": {
                  "type": "string",
                  "format": "date-time",
                  "maxLength": 64
                },
                "keys": {
                  "type": "array",
                  "maxItems": 64,
                  "x-kubernetes-list-type": "map",
                  "x-kubernetes-list-map-keys": [
                    "keyIdentifier"
                  ],
                  "items": {
                    "type": "object",
                    "required": [
                      "keyIdentifier",
                      "algorithm",
                      "state"
                    ],
                    "properties": {
                      "keyIdentifier": {
                        "type": "string",
                        "maxLength": 128
                      },
                      "algorithm": {
                        "type": "string",
                        "enum": [
                          "ES256",
                          "RS256"
                        ]
                      },
                      "state": {
                        "type": "string",
                        "enum": [
                          "Prepared",
                          "Active",
                          "Retiring"
                        ]
                      },
                      "publishedAt": {
                        "type": "string",
                        "format": "date-time",
                        "maxLength": 64
                      },
                      "activatedAt": {
                        "type": "string",
                        "format": "date-time",
                        "maxLength": 64
                      },
                      "retiredAt": {
                        "type": "string",
                        "format": "date-time",
                        "maxLength": 64
                      }
                    }
                  }
                }
              }
            },
            "federation": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": [
                "trustDomain"
              ],
              "items": {
                "type": "object",
                "required": [
                  "trustDomain"
                ],
                "properties": {
                  "trustDomain": {
                    "type": "string",
                    "maxLength": 128
                  },
                  "sequence": {
                    "type": "string",
                    "maxLength": 20
                  },
                  "fetchedAt": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  },
                  "sha256": {
                    "type": "string",
                    "maxLength": 64
                  },
                  "roots": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  },
                  "refreshHintSeconds": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  },
                  "reason": {
                    "type": "string",
                    "maxLength": 64
                  },
                  "message": {
                    "type": "string",
                    "maxLength": 1024
                  }
                }
              }
            },
            "violations": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "targets": {
              "type": "object",
              "required": [
                "written",
                "stale"
              ],
              "properties": {
                "written": {
                  "type": "integer",
                  "format": "int64",
                  "minimum": 0
                },
                "stale": {
                  "type": "integer",
                  "format": "int64",
                  "minimum": 0
                },
                "failing": {
                  "type": "array",
                  "maxItems": 100,
                  "x-kubernetes-list-type": "atomic",
                  "items": {
                    "type": "string",
                    "maxLength": 512
                  }
                }
              }
            },
            "conditions": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": [
                "type"
              ],
              "items": {
                "type": "object",
                "required": [
                  "type",
                  "status",
                  "reason",
                  "message",
                  "lastTransitionTime"
                ],
                "properties": {
                  "type": {
                    "type": "string",
                    "maxLength": 316
                  },
                  "status": {
                    "type": "string",
                    "enum": [
                      "True",
                      "False",
                      "Unknown"
                    ]
                  },
                  "reason": {
                    "type": "string",
                    "maxLength": 1024
                  },
                  "message": {
                    "type": "string",
                    "maxLength": 32768
                  },
                  "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  },
                  "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  }
                }
              }
            }
          }
        }
      }
    }
  },
  {
    "kind": "WorkloadIdentity",
    "apiVersion": "mtlsd.io/v1alpha1",
    "scope": "Namespaced",
    "schema": {
      "type": "object",
      "properties": {
        "apiVersion": {
          "type": "string",
          "maxLength": 64
        },
        "kind": {
          "type": "string",
          "maxLength": 64
        },
        "metadata": {
          "type": "object",
          "properties": {
            "name": {
              "type": "string",
              "maxLength": 248
            }
          }
        },
        "spec": {
          "type": "object",
          "default": {},
          "x-kubernetes-validations": [
            {
              "rule": "!has(self.commonName) || !self.commonName.matches('^[A-Za-z0-9_*-]*([.][A-Za-z0-9_*-]*)+$|[*]') || (has(self.dnsNames) && self.commonName in self.dnsNames)",
              "fieldPath": ".commonName",
              "message": "it reads as a DNS name or address, which some clients compare with the host that they called; list it in dnsNames too, so that the trust domain's policy covers it"
            },
            {
              "rule": "has(self.secretName) == has(oldSelf.secretName) && (!has(self.secretName) || self.secretName == oldSelf.secretName)",
              "fieldPath": ".secretName",
              "message": "it cannot be changed, because pods mount the Secret by this name; make another WorkloadIdentity"
            }
          ],
          "properties": {
            "trustDomain": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
                  "message": "write the name of a TrustDomain, such as shop.example: lower-case letters, digits, \"-\" and \".\", without \"spiffe://\""
                }
              ]
            },
            "serviceAccountName": {
              "type": "string",
              "minLength": 1,
              "maxLength": 253,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
                  "message": "write the name of a service account of this namespace, such as cart: lower-case letters, digits, \"-\" and \".\", without the namespace"
                }
              ]
            },
            "dnsNames": {
              "type": "array",
              "maxItems": 32,
              "x-kubernetes-list-type": "atomic",
              "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 253,
                "x-kubernetes-validations": [
                  {
                    "rule": "!self.contains('*')",
                    "message": "wildcards are not issued, because a wildcard speaks for workloads that are not this one; list each name that is served"
                  },
                  {
                    "rule": "!self.matches('(^|[.])[0-9]+[.]?$') && !self.matches('^[[]?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*]?$')",
                    "message": "IP addresses are not issued, because an identity outlives the address of its pod; write the DNS name of the service, such as cart.shop.svc"
                  },
                  {
                    "rule": "!self.contains(':') || self.matches('^[[]?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*]?$')",
                    "message": "write the host name alone, such as cart.shop.svc: no scheme and no port"
                  },
                  {
                    "rule": "!self.matches('[A-Z]')",
                    "message": "write it in lower case, as it stands in the certificate",
                    "messageExpression": "self.matches('^[\\x00-\\x7f]*$') ? 'write it in lower case, as it stands in the certificate: ' + self.lowerAscii() : 'write it in lower case, as it stands in the certificate'"
                  },
                  {
                    "rule": "!self.endsWith('.')",
                    "message": "leave out the trailing dot, because names in certificates have none"
                  },
                  {
                    "rule": "self.matches('^[\\\\x00-\\\\x7f]*$')",
                    "message": "write the ASCII form of an internationalized name, which starts with \"xn--\""
                  },
                  {
                    "rule": "!self.contains('_')",
                    "message": "host names have no underscore; rename the service, for example with \"-\" in place of \"_\""
                  },
                  {
                    "rule": "!self.matches('[\\\\x00-\\\\x20!-),/;-@\\\\x5b-\\\\x5e`{-\\\\x7f+]') || self.contains(':')",
                    "message": "a DNS name is made of lower-case letters, digits, \"-\" and \".\" only"
                  },
                  {
                    "rule": "!self.matches('^[-a-z0-9.]*[-a-z0-9]$') || self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$')",
                    "message": "each label between the dots has 1 to 63 characters and neither starts nor ends with \"-\""
                  }
                ]
              }
            },
            "commonName": {
              "type": "string",
              "minLength": 1,
              "maxLength": 64,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[^\\\\x00-\\\\x1f\\\\x7f]*$') && !self.startsWith(' ') && !self.endsWith(' ')",
                  "message": "write it without control characters and without a space at its start or end"
                }
              ]
            },
            "ttl": {
              "type": "string",
              "maxLength": 32,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') && self != ''",
                  "message": "write hours, minutes and seconds in this order, such as 1h, 1h30m or 90s; there is no unit for days"
                },
                {
                  "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) >= duration('1m')",
                  "message": "an identity lives for 1m at least; write 1m or more"
                },
                {
                  "rule": "!self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$') || self == '' || duration(self) <= duration('24h')",
                  "message": "an identity lives for 24h at most; write 24h or less, it is renewed by itself"
                }
              ]
            },
            "keyAlgorithm": {
              "type": "string",
              "enum": [
                "ECDSAP256",
                "ECDSAP384",
                "ECDSAP521",
                "ED25519",
                "RSA2048",
                "RSA3072",
                "RSA4096"
              ],
              "default": "ECDSAP256"
            },
            "secretName": {
              "type": "string",
              "minLength": 1,
              "maxLength": 253,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
                  "message": "write the name of a Secret, such as cart-mtls: lower-case letters, digits, \"-\" and \".\""
                }
              ]
            },
            "formats": {
              "type": "object",
              "properties": {
                "der": {
                  "type": "boolean"
                },
                "pkcs12": {
                  "type": "object",
                  "x-kubernetes-validations": [
                    {
                      "rule": "has(self.passwordSecretRef) || has(self.passwordFile)",
                      "message": "a keystore needs a password: set passwordSecretRef to a Secret of this namespace, or outside Kubernetes passwordFile to a file"
                    },
                    {
                      "rule": "!has(self.passwordSecretRef) || !has(self.passwordFile)",
                      "message": "the password comes from one place: set passwordSecretRef or passwordFile, not both"
                    }
                  ],
                  "properties": {
                    "passwordSecretRef": {
                      "type": "object",
                      "required": [
                        "name"
                      ],
                      "properties": {
                        "name": {
                          "type": "string",
                          "minLength": 1,
                          "maxLength": 253,
                          "x-kubernetes-validations": [
                            {
                              "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
                              "message": "write the name of a Secret of this namespace, such as cart-keystore: lower-case letters, digits, \"-\" and \".\""
                            }
                          ]
                        },
                        "key": {
                          "type": "string",
                          "minLength": 1,
                          "maxLength": 253,
                          "default": "password",
                          "x-kubernetes-validations": [
                            {
                              "rule": "self.matches('^[-._A-Za-z0-9]+$')",
                              "message": "write a key of the Secret, such as password: letters, digits, \"-\", \"_\" and \".\""
                            }
                          ]
                        }
                      }
                    },
                    "passwordFile": {
                      "type": "string",
                      "minLength": 1,
                      "maxLength": 1024,
                      "x-kubernetes-validations": [
                        {
                          "rule": "self.matches('^[^/\\\\x00-\\\\x1f\\\\x7f]+(/[^/\\\\x00-\\\\x1f\\\\x7f]+)*$') && !self.matches('(^|/)[.][.]?(/|$)')",
                          "message": "write a path below the folder of manifests, such as cart.password or passwords/cart: without \"/\" at its start, without \".\" and \"..\" as parts"
                        }
                      ]
                    },
                    "profile": {
                      "type": "string",
                      "enum": [
                        "Modern",
                        "Compatible"
                      ],
                      "default": "Modern"
                    },
                    "alias": {
                      "type": "string",
                      "minLength": 1,
                      "maxLength": 253,
                      "x-kubernetes-validations": [
                        {
                          "rule": "self.matches('^[a-z0-9]([-a-z0-9._]*[a-z0-9])?$')",
                          "message": "an alias has lower-case letters, digits, \"-\", \"_\" and \".\" only, and starts and ends with a letter or digit"
                        }
                      ]
                    },
                    "trustAlias": {
                      "type": "string",
                      "minLength": 1,
                      "maxLength": 63,
                      "default": "root",
                      "x-kubernetes-validations": [
                        {
                          "rule": "self.matches('^[a-z0-9]([-a-z0-9._]*[a-z0-9])?$')",
                          "message": "an alias has lower-case letters, digits, \"-\", \"_\" and \".\" only, and starts and ends with a letter or digit"
                        }
                      ]
                    }
                  }
                }
              }
            },
            "federatesWith": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "set",
              "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 128,
                "x-kubernetes-validations": [
                  {
                    "rule": "self.matches('^[a-z0-9._-]+$')",
                    "message": "write the name of a trust domain, such as partner.example: lower-case letters, digits, \"-\", \"_\" and \".\", without \"spiffe://\""
                  }
                ]
              }
            },
            "jwt": {
              "type": "object",
              "required": [
                "audiences"
              ],
              "properties": {
                "audiences": {
                  "type": "array",
                  "maxItems": 8,
                  "x-kubernetes-list-type": "map",
                  "x-kubernetes-list-map-keys": [
                    "name"
                  ],
                  "items": {
                    "type": "object",
                    "required": [
                      "name",
                      "audience"
                    ],
                    "properties": {
                      "name": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 63,
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                            "message": "write a name of lower-case letters, digits and \"-\", such as bank; the file is called bank.jwt"
                          }
                        ]
                      },
                      "audience": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 255,
                        "x-kubernetes-validations": [
                          {
                            "rule": "self.matches('^[!-~]+$')",
                            "message": "write what the one who takes the token knows itself by, such as https://bank.example: visible ASCII characters without spaces"
                          }
                        ]
                      }
                    }
                  }
                }
              }
            },
            "secretTemplate": {
              "type": "object",
              "properties": {
                "labels": {
                  "type": "object",
                  "maxProperties": 32,
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.all(k, k.size() <= 316 && k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
                      "message": "a key has an optional prefix and a name of at most 63 characters, such as example.com/team or team"
                    },
                    {
                      "rule": "self.all(k, !k.matches('^([-a-z0-9.]*[.])?mtlsd[.]io/') && k != 'app.kubernetes.io/managed-by')",
                      "message": "labels under mtlsd.io/ and app.kubernetes.io/managed-by are written by mtlsd; use a prefix of your own"
                    },
                    {
                      "rule": "self.all(k, self[k].matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$'))",
                      "message": "a label value has letters, digits, \"-\", \"_\" and \".\" only, and starts and ends with a letter or digit"
                    }
                  ],
                  "additionalProperties": {
                    "type": "string",
                    "maxLength": 63
                  }
                },
                "annotations": {
                  "type": "object",
                  "maxProperties": 32,
                  "x-kubernetes-validations": [
                    {
                      "rule": "self.all(k, k.size() <= 316 && k.matches('^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
                      "message": "a key has an optional prefix and a name of at most 63 characters, such as example.com/team or team"
                    },
                    {
                      "rule": "self.all(k, !k.matches('^([-a-z0-9.]*[.])?mtlsd[.]io/') || k in ['mtlsd.io/file-mode', 'mtlsd.io/file-owner'])",
                      "message": "annotations under mtlsd.io/ are written by mtlsd, but for mtlsd.io/file-mode and mtlsd.io/file-owner; use a prefix of your own"
                    },
                    {
                      "rule": "!('mtlsd.io/file-mode' in self) || self['mtlsd.io/file-mode'].matches('^0[4-7][0-7][0145]$')",
                      "message": "mtlsd.io/file-mode is four octal digits that let the owner read and do not let others write, such as \"0640\""
                    },
                    {
                      "rule": "!('mtlsd.io/file-owner' in self) || self['mtlsd.io/file-owner'].matches('^[0-9]{1,10}:[0-9]{1,10}$')",
                      "message": "mtlsd.io/file-owner is a numeric user and group, such as \"1000:1000\""
                    }
                  ],
                  "additionalProperties": {
                    "type": "string",
                    "maxLength": 4096
                  }
                }
              }
            },
            "reload": {
              "type": "object",
              "x-kubernetes-validations": [
                {
                  "rule": "has(self.onRenewal) || has(self.onBundle)",
                  "message": "write onRenewal, onBundle or both, or leave reload out"
                }
              ],
              "properties": {
                "onRenewal": {
                  "type": "object",
                  "required": [
                    "http"
                  ],
                  "properties": {
                    "http": {
                      "type": "object",
                      "required": [
                        "port",
                        "path"
                      ],
                      "properties": {
                        "port": {
                          "type": "integer",
                          "format": "int64",
                          "x-kubernetes-validations": [
                            {
                              "rule": "self >= 1 && self <= 65535",
                              "message": "write a port from 1 to 65535"
                            }
                          ]
                        },
                        "path": {
                          "type": "string",
                          "minLength": 1,
                          "maxLength": 256,
                          "x-kubernetes-validations": [
                            {
                              "rule": "self.matches('^/[-A-Za-z0-9._~!$&()*+,;=:@%/?]*$')",
                              "message": "write a path that starts with \"/\", such as /-/reload: without host and fragment, other characters percent-encoded"
                            }
                          ]
                        },
                        "scheme": {
                          "type": "string",
                          "enum": [
                            "HTTP",
                            "HTTPS"
                          ],
                          "default": "HTTP"
                        }
                      }
                    }
                  }
                },
                "onBundle": {
                  "type": "object",
                  "x-kubernetes-validations": [
                    {
                      "rule": "has(self.http) != has(self.rolloutRestart)",
                      "message": "write one of the two: http, which calls the pods, or rolloutRestart, which replaces them"
                    }
                  ],
                  "properties": {
                    "http": {
                      "type": "object",
                      "required": [
                        "port",
                        "path"
                      ],
                      "properties": {
                        "port": {
                          "type": "integer",
                          "format": "int64",
                          "x-kubernetes-validations": [
                            {
                              "rule": "self >= 1 && self <= 65535",
                              "message": "write a port from 1 to 65535"
                            }
                          ]
                        },
                        "path": {
                          "type": "string",
                          "minLength": 1,
                          "maxLength": 256,
                          "x-kubernetes-validations": [
                            {
                              "rule": "self.matches('^/[-A-Za-z0-9._~!$&()*+,;=:@%/?]*$')",
                              "message": "write a path that starts with \"/\", such as /-/reload: without host and fragment, other characters percent-encoded"
                            }
                          ]
                        },
                        "scheme": {
                          "type": "string",
                          "enum": [
                            "HTTP",
                            "HTTPS"
                          ],
                          "default": "HTTP"
                        }
                      }
                    },
                    "rolloutRestart": {
                      "type": "object"
                    }
                  }
                }
              }
            },
            "deletionPolicy": {
              "type": "string",
              "enum": [
                "Delete",
                "Retain"
              ],
              "default": "Delete"
            }
          }
        },
        "status": {
          "type": "object",
          "properties": {
            "observedGeneration": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "trustDomain": {
              "type": "string",
              "maxLength": 253
            },
            "spiffeID": {
              "type": "string",
              "maxLength": 2048
            },
            "serialNumber": {
              "type": "string",
              "maxLength": 64
            },
            "notBefore": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "notAfter": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "renewalTime": {
              "type": "string",
              "format": "date-time",
              "maxLength": 64
            },
            "issuer": {
              "type": "string",
              "maxLength": 128
            },
            "bundleGeneration": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "secret": {
              "type": "object",
              "required": [
                "name"
              ],
              "properties": {
                "name": {
                  "type": "string",
                  "maxLength": 253
                },
                "resourceVersion": {
                  "type": "string",
                  "maxLength": 128
                }
              }
            },
            "issuances": {
              "type": "integer",
              "format": "int64",
              "minimum": 0
            },
            "reload": {
              "type": "object",
              "properties": {
                "onRenewal": {
                  "type": "object",
                  "required": [
                    "serialNumber",
                    "time",
                    "pods",
                    "reloaded"
                  ],
                  "properties": {
                    "serialNumber": {
                      "type": "string",
                      "maxLength": 64
                    },
                    "time": {
                      "type": "string",
                      "format": "date-time",
                      "maxLength": 64
                    },
                    "pods": {
                      "type": "integer",
                      "format": "int64",
                      "minimum": 0
                    },
                    "reloaded": {
                      "type": "integer",
                      "format": "int64",
                      "minimum": 0
                    },
                    "failing": {
                      "type": "array",
                      "maxItems": 8,
                      "x-kubernetes-list-type": "atomic",
                      "items": {
                        "type": "string",
                        "maxLength": 512
                      }
                    }
                  }
                },
                "onBundle": {
                  "type": "object",
                  "required": [
                    "bundleGeneration",
                    "time",
                    "pods",
                    "reloaded"
                  ],
                  "properties": {
                    "bundleGeneration": {
                      "type": "integer",
                      "format": "int64",
                      "minimum": 0
                    },
                    "version": {
                      "type": "string",
                      "maxLength": 320
                    },
                    "time": {
                      "type": "string",
                      "format": "date-time",
                      "maxLength": 64
                    },
                    "pods": {
                      "type": "integer",
                      "format": "int64",
                      "minimum": 0
                    },
                    "reloaded": {
                      "type": "integer",
                      "format": "int64",
                      "minimum": 0
                    },
                    "failing": {
                      "type": "array",
                      "maxItems": 8,
                      "x-kubernetes-list-type": "atomic",
                      "items": {
                        "type": "string",
                        "maxLength": 512
                      }
                    }
                  }
                }
              }
            },
            "conditions": {
              "type": "array",
              "maxItems": 16,
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": [
                "type"
              ],
              "items": {
                "type": "object",
                "required": [
                  "type",
                  "status",
                  "reason",
                  "message",
                  "lastTransitionTime"
                ],
                "properties": {
                  "type": {
                    "type": "string",
                    "maxLength": 316
                  },
                  "status": {
                    "type": "string",
                    "enum": [
                      "True",
                      "False",
                      "Unknown"
                    ]
                  },
                  "reason": {
                    "type": "string",
                    "maxLength": 1024
                  },
                  "message": {
                    "type": "string",
                    "maxLength": 32768
                  },
                  "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64
                  },
                  "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0
                  }
                }
              }
            }
          }
        }
      }
    }
  }
];
