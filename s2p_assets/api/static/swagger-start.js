SwaggerUIBundle({ url: "/api/openapi.json", dom_id: "#swagger-ui", deepLinking: true, docExpansion: "none",
  validatorUrl: null, tryItOutEnabled: true });
